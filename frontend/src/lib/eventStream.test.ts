import { describe, expect, it, vi } from "vitest";
import { createParser, follow, type StreamMessage, type StreamState } from "./eventStream";

function parsed(...pieces: string[]): StreamMessage[] {
  const found: StreamMessage[] = [];
  const push = createParser((message) => found.push(message));
  pieces.forEach(push);
  return found;
}

describe("createParser", () => {
  const text = 'id: 7\nevent: JobFinished\ndata: {"a":\ndata: 1}\n\n: still here\n\nretry: 2000\n\ndata:x\n\n';
  const messages = [
    { id: "7", type: "JobFinished", data: '{"a":\n1}' },
    { id: "7", type: "message", data: "x" },
  ];

  it("reads fields, joins data lines and keeps the last id", () => {
    expect(parsed(text)).toEqual(messages);
  });

  it.each([
    ["\\r\\n", text.replaceAll("\n", "\r\n")],
    ["\\r", text.replaceAll("\n", "\r") + "\n"],
  ])("takes %s for a line end", (_, variant) => {
    expect(parsed(variant)).toEqual(messages);
  });

  it("gives the same wherever the text is cut", () => {
    const windows = text.replaceAll("\n", "\r\n");
    for (let cut = 0; cut <= windows.length; cut += 1) {
      expect(parsed(windows.slice(0, cut), windows.slice(cut))).toEqual(messages);
    }
  });

  it("says nothing about an unfinished message", () => {
    expect(parsed("data: half")).toEqual([]);
  });
});

/** A connection that sends `pieces` and ends, or stays open without a word when `open`. */
function connection(pieces: string[], signal: AbortSignal | null | undefined, open = false): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      pieces.forEach((piece) => controller.enqueue(encoder.encode(piece)));
      if (!open) controller.close();
      signal?.addEventListener("abort", () => controller.error(new Error("aborted")));
    },
  });
  return new Response(body, { status: 200 });
}

function start(answers: ((init: RequestInit | undefined) => Response)[], silenceMs = 5_000) {
  const calls: (RequestInit | undefined)[] = [];
  vi.stubGlobal("fetch", (_url: string, init?: RequestInit) => {
    calls.push(init);
    const next = answers.shift();
    return next ? Promise.resolve(next(init)) : Promise.reject(new TypeError("connection refused"));
  });
  const stop = new AbortController();
  const states: StreamState[] = [];
  const messages: StreamMessage[] = [];
  const done = follow({
    url: "/events",
    signal: stop.signal,
    backoffMs: [1, 4],
    silenceMs,
    onState: (state) => states.push(state),
    onMessage: (message) => messages.push(message),
  });
  return { calls, stop, states, messages, done };
}

describe("follow", () => {
  it("reconnects after the end of a connection and resumes after the last message", async () => {
    const run = start([
      (init) => connection(["id: 41\ndata: a\n\n"], init?.signal),
      () => new Response(null, { status: 503 }),
      (init) => connection(["id: 42\ndata: b\n\n"], init?.signal, true),
    ]);
    await vi.waitFor(() => expect(run.messages.map((message) => message.data)).toEqual(["a", "b"]));
    run.stop.abort();
    await run.done;
    expect(run.states).toEqual(["connecting", "live", "lost", "lost", "live"]);
    expect(run.calls.map((init) => new Headers(init?.headers).get("Last-Event-ID"))).toEqual([null, "41", "41"]);
  });

  it("keeps trying while the server is away", async () => {
    const run = start([]);
    await vi.waitFor(() => expect(run.calls.length).toBeGreaterThan(3));
    run.stop.abort();
    await run.done;
    expect(new Set(run.states)).toEqual(new Set(["connecting", "lost"]));
  });

  it.each([401, 403, 404])("stops at a refusal (%i)", async (status) => {
    const run = start([() => new Response(null, { status })]);
    await run.done;
    expect(run.states).toEqual(["connecting", "refused"]);
    expect(run.calls).toHaveLength(1);
  });

  it("takes a silent connection for dead", async () => {
    const run = start(
      [(init) => connection([], init?.signal, true), (init) => connection(["data: c\n\n"], init?.signal, true)],
      20,
    );
    await vi.waitFor(() => expect(run.messages).toHaveLength(1));
    run.stop.abort();
    await run.done;
    expect(run.states.slice(0, 4)).toEqual(["connecting", "live", "lost", "live"]);
  });
});
