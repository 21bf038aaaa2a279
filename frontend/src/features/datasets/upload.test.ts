import { beforeEach, describe, expect, it, vi } from "vitest";
import { Unreachable } from "../../client/http";
import { Uploads } from "./upload";

/** A request that the test answers. */
class Request {
  static sent: Request[] = [];
  upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  status = 0;
  responseText = "";
  url = "";
  form: FormData | undefined;
  onload: (() => void) | undefined;
  onerror: (() => void) | undefined;
  onabort: (() => void) | undefined;
  open(_: string, url: string) {
    this.url = url;
  }
  setRequestHeader() {
    return undefined;
  }
  send(form: FormData) {
    this.form = form;
    Request.sent.push(this);
  }
  abort() {
    this.onabort?.();
  }
  answer(status: number, body: unknown) {
    this.status = status;
    this.responseText = typeof body === "string" ? body : JSON.stringify(body);
    this.onload?.();
  }
}

const file = (path: string) => ({ path, file: new File(["abc"], path) });
let uploads: Uploads;
const done = vi.fn();
const sent = (index: number) => {
  const request = Request.sent[index];
  if (!request) throw new Error("nothing was sent");
  return request;
};

beforeEach(() => {
  Request.sent = [];
  vi.stubGlobal("XMLHttpRequest", Request);
  uploads = new Uploads("my bikes", done);
});

describe("uploads", () => {
  it("go one after the other, each with its files and the message", () => {
    uploads.add([[file("a.csv")], [file("b.csv"), file("c.csv")]], "new");
    expect(Request.sent).toHaveLength(1);
    expect(sent(0).url).toBe("/api/v1/datasets/my%20bikes/versions");
    sent(0).answer(201, { number: 1 });
    expect(sent(1).form?.getAll("files")).toHaveLength(2);
    expect(sent(1).form?.get("message")).toBe("new");
    sent(1).answer(200, { number: 1 });
    expect(uploads.all().map(({ state, created }) => [state, created])).toEqual([
      ["done", true],
      ["done", false],
    ]);
    expect(done).toHaveBeenCalledTimes(2);
  });

  it("say what the server says to each, and go on with the next", () => {
    uploads.add([[file("a.csv")], [file("b.csv")]], "");
    sent(0).answer(422, { detail: "The name will not do.", fix: "Rename it.", code: "bad_file_name" });
    expect(uploads.all()[0]).toMatchObject({
      state: "failed",
      error: { message: "The name will not do.", fix: "Rename it." },
    });
    expect(Request.sent).toHaveLength(2);
  });

  it("stand an answer that is no JSON", () => {
    uploads.add([[file("a.csv")]], "");
    sent(0).answer(502, "<html>");
    expect(uploads.all()[0]?.error?.message).toContain("502");
  });

  it("keep their files when the server is away, to be sent again", () => {
    uploads.add([[file("a.csv")]], "new");
    sent(0).onerror?.();
    expect(uploads.all()[0]?.error).toBeInstanceOf(Unreachable);
    uploads.retry(1);
    expect(uploads.all()[0]).toMatchObject({ state: "sending", message: "new", sent: 0 });
    expect(uploads.all()[0]?.error).toBeUndefined();
    expect(sent(1).form?.getAll("files")).toHaveLength(1);
  });

  it("tell how far they are, and can be stopped", () => {
    uploads.add([[file("a.csv")], [file("b.csv")]], "");
    sent(0).upload.onprogress?.({ loaded: 2, total: 9 });
    expect(uploads.all()[0]).toMatchObject({ sent: 2, total: 9 });
    uploads.stop(2);
    uploads.stop(1);
    expect(uploads.all().map(({ state }) => state)).toEqual(["stopped", "stopped"]);
    expect(Request.sent).toHaveLength(1);
    uploads.forget(1);
    expect(uploads.all().map(({ id }) => id)).toEqual([2]);
  });
});
