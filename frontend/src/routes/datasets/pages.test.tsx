import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import axe from "axe-core";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { people } from "../../../e2e/fixtures/overview";
import { App } from "../App";
import { createQueryClient } from "../queryClient";

const VERSION = {
  id: "0199a3f0-7c1e-7d22-9b40-000000000002",
  dataset: "bikes",
  number: 2,
  digest: "d",
  format: "csv",
  state: "rejected",
  reasons: ["no negative counts: 'cnt' goes from -5 to 9: 3 rows outside of [0, ∞)."],
  files: 1,
  size: 1000,
  rows: 40,
  message: "<img src=x onerror=alert(1)>",
  source: { kind: "upload" },
  created_at: "2026-11-26T05:00:00Z",
  created_by: "ada",
  deleted_at: null,
  deleted_by: null,
};
const DATASET = {
  name: "bikes",
  description: "",
  versions: 2,
  revision: 1,
  created_at: VERSION.created_at,
  created_by: "ada",
  archived_at: null,
};
const RESULT = {
  check: "in_range",
  name: "no negative counts",
  severity: "error",
  verdict: "fail",
  value: 3,
  threshold: 0,
  message: "'cnt' goes from -5 to 9.",
  failing_count: 3,
  failing_rows: [{ row: 7, id: 8, cnt: -5 }],
};
const CHECK = { check: "in_range", column: "cnt", min: 0, max: null, severity: "error", name: "no negative counts" };
const REPORT = {
  id: "r",
  verdict: "fail",
  suite: { engine: "auto", checks: [CHECK] },
  results: [RESULT],
  created_at: VERSION.created_at,
  created_by: "ada",
};

type Answers = Record<string, (request: Request) => Response | Promise<Response>>;
let answers: Answers;
const json =
  (body: unknown, status = 200) =>
  () =>
    Response.json(body, { status });
const page = (...items: unknown[]) => json({ items, next_cursor: null });

beforeEach(() => {
  vi.stubGlobal("scrollTo", () => undefined);
  answers = {
    "GET /api/v1/whoami": json(people.admin),
    "GET /api/v1/events/stream": () => new Response(new ReadableStream()),
    "GET /api/v1/jobs": page(),
    "GET /api/v1/datasets": page(),
    "GET /api/v1/datasets/bikes": json(DATASET),
    "GET /api/v1/datasets/bikes/versions": page(VERSION),
    "GET /api/v1/datasets/bikes/versions/2": json(VERSION),
    "GET /api/v1/datasets/bikes/versions/2/checks": json(REPORT),
    "GET /api/v1/datasets/bikes/versions/2/files": json({ items: [{ path: "bikes.csv", md5: "m", size: 1000 }] }),
    "GET /api/v1/datasets/bikes/check-suite": json({ version: 1, engine: "auto", checks: [CHECK] }),
  };
  vi.stubGlobal("fetch", async (input: Request | string) => {
    const request = typeof input === "string" ? new Request(new URL(input, window.location.origin)) : input;
    const answer = answers[`${request.method} ${new URL(request.url).pathname}`];
    return answer ? await answer(request) : json({ detail: "There is nothing." }, 404)();
  });
});

async function open(path: string, heading: string) {
  window.history.pushState(null, "", path);
  const shown = render(
    <QueryClientProvider client={createQueryClient()}>
      <App />
    </QueryClientProvider>,
  );
  await screen.findByRole("heading", { level: 1, name: new RegExp(`^${heading}`) }, { timeout: 5_000 });
  return { ...shown, user: userEvent.setup() };
}

describe("the list of datasets", () => {
  it("shows the way to the first upload when there is none", async () => {
    await open("/datasets", "Datasets");
    expect((await screen.findAllByLabelText("Command")).map(({ textContent }) => textContent)).toEqual([
      expect.stringContaining("millrace data push"),
      expect.stringContaining("curl"),
    ]);
  });

  it("shows what the newest version of each is", async () => {
    // Nothing is measured here: without a height no row would be in sight.
    vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(800);
    answers["GET /api/v1/datasets"] = page({ ...DATASET, newest: { ...VERSION, stored_size: 400 } });
    const { container } = await open("/datasets", "Datasets");
    expect(await screen.findByRole("link", { name: "v2" })).toBeDefined();
    expect(screen.getByRole("table", { name: "Datasets" }).textContent).toContain("400 B");
    expect((await axe.run(container, { rules: { "color-contrast": { enabled: false } } })).violations).toEqual([]);
  });
});

describe("a rejected version", () => {
  it("says why with its rows, and what can be done", async () => {
    const { container } = await open("/datasets/bikes/versions/2", "bikes version 2");
    expect(await screen.findByRole("region", { name: "Rejected: what to do next" })).toBeDefined();
    const rows = await screen.findByRole("group", { name: "Failing rows of no negative counts" });
    // The column that the check is about stands beside the number of the row.
    expect([...rows.querySelectorAll("th")].map(({ textContent }) => textContent)).toEqual(["row", "cnt", "id"]);
    expect(screen.getByRole("button", { name: "Quarantine rows" })).toBeDefined();
    expect(screen.getByText(/force: true/)).toBeDefined();
    expect(container.querySelector("img")).toBeNull();
    expect((await axe.run(container, { rules: { "color-contrast": { enabled: false } } })).violations).toEqual([]);
  });

  it("says why a reader may do nothing about it", async () => {
    answers["GET /api/v1/whoami"] = json({ ...people.admin, role: "viewer", scopes: ["read"] });
    await open("/datasets/bikes/versions/2", "bikes version 2");
    const button = await screen.findByRole<HTMLButtonElement>("button", { name: "Quarantine rows" });
    expect(button.ariaDisabled).toBe("true");
    expect(screen.getAllByText(/Needs a token with the scope write/).length).toBeGreaterThan(0);
  });
});

describe("the check suite", () => {
  const field = () => screen.findByLabelText<HTMLTextAreaElement>("The check suite (YAML)");

  it("marks the line that the server refuses, and keeps what was typed", async () => {
    answers["PUT /api/v1/datasets/bikes/check-suite"] = json(
      {
        detail: "x",
        code: "invalid_request",
        errors: [{ where: "body.checks.0.mx", message: "Extra inputs are not permitted" }],
      },
      422,
    );
    const { user } = await open("/datasets/bikes?tab=suite", "bikes");
    await user.clear(await field());
    await user.type(await field(), "checks:{enter}  - {{check: in_range, mx: 4}");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByRole("button", { name: "Line 2" })).toBeDefined();
    expect((await field()).value).toContain("mx: 4");
  });

  it.each([
    ["waits with what was typed for who signs in again", people.admin, "checks: [] # mine"],
    ["is another's for somebody else", { ...people.admin, name: "bob" }, "in_range"],
  ])("%s", async (_, person, text) => {
    const refused = json({ detail: "The token is unknown, expired or revoked.", code: "unauthorized" }, 401);
    const { user } = await open("/datasets/bikes?tab=suite", "bikes");
    answers["PUT /api/v1/datasets/bikes/check-suite"] = answers["GET /api/v1/whoami"] = refused;
    await user.clear(await field());
    await user.type(await field(), "checks: [[] # mine");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("You were signed out")).toBeDefined();
    expect(screen.queryByRole("heading", { name: /^bikes/ })).toBeNull();
    answers["POST /api/v1/session"] = json(person);
    answers["GET /api/v1/whoami"] = json(person);
    await user.type(screen.getByLabelText("Token"), "another");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    await screen.findByRole("heading", { level: 1, name: /^bikes/ });
    expect((await field()).value).toContain(text);
  });

  it("makes a change by somebody else a choice between both texts", async () => {
    let theirs = false;
    const saved: string[] = [];
    answers["GET /api/v1/datasets/bikes/check-suite"] = () =>
      Response.json(
        theirs ? { version: 2, engine: "auto", checks: [] } : { version: 1, engine: "auto", checks: [CHECK] },
      );
    answers["PUT /api/v1/datasets/bikes/check-suite"] = async (request) => {
      saved.push(`${request.headers.get("If-Match") ?? ""} ${await request.text()}`);
      if (request.headers.get("If-Match") === '"2"') return Response.json({ version: 3, engine: "auto", checks: [] });
      theirs = true;
      return Response.json({ detail: "Somebody changed it.", code: "stale" }, { status: 412 });
    };
    const { user } = await open("/datasets/bikes?tab=suite", "bikes");
    await user.clear(await field());
    await user.type(await field(), "engine: polars");
    await user.click(screen.getByRole("button", { name: "Save" }));
    await user.click(await screen.findByRole("button", { name: "Go on with mine" }));
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(saved).toEqual(['"1" engine: polars', '"2" engine: polars']));
  });
});
