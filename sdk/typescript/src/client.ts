/** `connect(url, token)`: every operation of a Millrace server as a function, `predict`, and `finished` for jobs. */
import { operations } from "./generated/operations.js";
import type { components, Message } from "./types.js";

export type * from "./types.js";

export type Job = components["schemas"]["JobRead"];
export interface Predictions {
  predictions: (number | string)[];
  ids: string[];
  model_version: number;
  probabilities?: Record<string, number>[];
}
interface Init {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  header?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
}

/** A refusal by the server (RFC 9457), with the `fix` it proposes. */
export class Problem extends Error {
  readonly code: string;
  readonly where: string | undefined;
  readonly fix: string | undefined;

  constructor(
    readonly status: number,
    body: unknown,
  ) {
    const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    const text = (name: string) => (typeof fields[name] === "string" ? (fields[name] as string) : undefined);
    super(text("detail") ?? text("title") ?? `The server answered with status ${status}.`);
    this.name = "Problem";
    this.code = text("code") ?? "unknown";
    this.where = text("where");
    this.fix = text("fix");
  }
}

/** No answer: the server is down, or the network is. */
export class Unreachable extends Error {
  constructor(url: string, cause: unknown) {
    super(`No server answers at ${url}. Start one with \`millrace up\`, or name another.`, { cause });
    this.name = "Unreachable";
  }
}

/** A job that was waited for did not succeed. */
export class JobFailed extends Error {
  constructor(readonly job: Job) {
    const said = job.error as { message?: string } | null;
    super(`Job ${job.id} (${job.kind}) ${job.state}: ${said?.message ?? (job.message || "no reason given")}`);
    this.name = "JobFailed";
  }
}

export type Client = ReturnType<typeof connect>;

/** Predictions are asked of `serving`, where that runs by itself. */
export function connect(url: string, token?: string, { serving = url }: { serving?: string } = {}) {
  const send = async (method: string, address: string, { header, body, signal }: Init, accept: string) => {
    const headers = new Headers({ Accept: accept });
    if (token) headers.set("Authorization", `Bearer ${token}`);
    for (const [name, value] of Object.entries(header ?? {})) if (value != null) headers.set(name, String(value));
    const raw = body instanceof FormData || body instanceof Blob;
    if (body !== undefined && !raw) headers.set("Content-Type", "application/json");
    const content = body === undefined ? null : raw ? body : JSON.stringify(body);
    let response: Response;
    try {
      response = await fetch(address, { method, headers, body: content, signal: signal ?? null });
    } catch (cause) {
      throw signal?.aborted ? cause : new Unreachable(address, cause);
    }
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => null));
    return response;
  };
  const read = async (response: Response) => {
    const kind = response.headers.get("content-type") ?? "";
    if (response.status === 204) return undefined;
    if (kind.includes("json")) return response.json();
    return kind.startsWith("text/") ? response.text() : response.blob();
  };
  const call = async (method: string, path: string, init: Init = {}) =>
    read(await send(method, url + filled(path, init), init, "*/*"));
  const follow = async function* (method: string, path: string, init: Init = {}): AsyncGenerator<Message> {
    const response = await send(method, url + filled(path, init), init, "text/event-stream");
    if (response.body) yield* messages(response.body);
  };
  const api = operations(call, follow);
  return {
    ...api,
    /** Ask an endpoint for rows. */
    predict: async (endpoint: string, rows: Record<string, unknown>[]): Promise<Predictions> => {
      const address = `${serving}/serve/${encodeURIComponent(endpoint)}/predict`;
      return read(await send("POST", address, { body: { instances: rows } }, "application/json")) as Promise<Predictions>;
    },
    /** Wait for a job to end. Throws `JobFailed` unless it succeeded. */
    finished: async (job: { id: string }): Promise<Job> => {
      for (;;) {
        for await (const message of api.followJob({ path: { job_id: job.id } })) {
          const seen = message.data as Job;
          if (message.event !== "job" || seen.state === "queued" || seen.state === "running") continue;
          if (seen.state !== "succeeded") throw new JobFailed(seen);
          return seen;
        }
      }
    },
  };
}

function filled(path: string, { path: names = {}, query = {} }: Init): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) if (one != null) asked.append(name, String(one));
  const place = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(names[name])));
  return asked.size ? `${place}?${asked}` : place;
}

async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let waiting = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (waiting + decoder.decode(value, { stream: true })).split("\n\n");
      waiting = parts.pop() ?? "";
      for (const part of parts) {
        const lines = part.split("\n");
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = field("data");
        if (data !== undefined) yield { id: field("id"), event: field("event") ?? "message", data: JSON.parse(data) };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
