/** Follows a server-sent event stream with fetch, which unlike EventSource tells a refusal from an outage. */

export interface StreamMessage {
  id: string;
  type: string;
  data: string;
}

/** `refused` is final (the server said no); `lost` is retried. */
export type StreamState = "connecting" | "live" | "lost" | "refused";

export interface FollowOptions {
  url: string;
  onMessage: (message: StreamMessage) => void;
  onState: (state: StreamState) => void;
  signal: AbortSignal;
  /** Milliseconds between tries; doubles from the first to the second. */
  backoffMs?: readonly [number, number];
  /** A stream that is silent for so long is taken for dead: sleeping laptops leave half-open connections. */
  silenceMs?: number;
}

/** Parses the event stream format of the HTML standard, fed in pieces cut anywhere. */
export function createParser(onMessage: (message: StreamMessage) => void): (text: string) => void {
  let rest = "";
  let id = "";
  let type = "";
  let data: string[] = [];

  function line(text: string) {
    if (text === "") {
      if (data.length > 0) onMessage({ id, type: type || "message", data: data.join("\n") });
      type = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }

  return (text) => {
    // A trailing \r may be the first half of \r\n: keep it for the next piece.
    const lines = (rest + text).split(/\r\n|\n|\r(?=[\s\S])/);
    rest = lines.pop() ?? "";
    lines.forEach(line);
  };
}

/** Follows the stream until `signal` aborts or the server refuses, resuming after the last message seen. */
export async function follow(options: FollowOptions): Promise<void> {
  const { signal, onState, onMessage, url } = options;
  const [first, longest] = options.backoffMs ?? [500, 5_000];
  let lastId = "";
  let pause = first;
  // A function, since the compiler takes a checked property for constant across awaits.
  const stopped = () => signal.aborted;

  onState("connecting");
  while (!stopped()) {
    const outcome = await readOnce(
      url,
      lastId,
      signal,
      options.silenceMs ?? 45_000,
      () => {
        pause = first;
        onState("live");
      },
      (message) => {
        if (message.id) lastId = message.id;
        onMessage(message);
      },
    );
    if (stopped()) return;
    onState(outcome);
    if (outcome === "refused") return;
    await sleep(pause, signal);
    pause = Math.min(pause * 2, longest);
  }
}

async function readOnce(
  url: string,
  lastId: string,
  signal: AbortSignal,
  silenceMs: number,
  onOpen: () => void,
  onMessage: (message: StreamMessage) => void,
): Promise<"lost" | "refused"> {
  const connection = new AbortController();
  const close = () => connection.abort();
  signal.addEventListener("abort", close, { once: true });
  let watchdog = setTimeout(close, silenceMs);
  try {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (lastId) headers["Last-Event-ID"] = lastId;
    const response = await fetch(url, {
      headers,
      cache: "no-store",
      credentials: "same-origin",
      signal: connection.signal,
    });
    if (!response.ok || !response.body) {
      return response.status >= 400 && response.status < 500 ? "refused" : "lost";
    }
    onOpen();
    const parse = createParser(onMessage);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "lost";
      clearTimeout(watchdog);
      watchdog = setTimeout(close, silenceMs);
      parse(value);
    }
  } catch {
    return "lost";
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener("abort", close);
    connection.abort();
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
