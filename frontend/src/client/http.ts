/** The typed HTTP client. Every failure becomes a `Problem` (the server said no) or `Unreachable` (it said nothing). */
import createClient from "openapi-fetch";
import { setServerClock } from "../lib/time";
import type { paths } from "./schema";

/** An answer that takes longer is given up; work that takes long is a job, not a request. */
const TIMEOUT_MS = 15_000;

/** A refusal by the server: RFC 9457 problem+json, with the `fix` it proposes. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fix: string | undefined;
  /** Where in the input: `body.checks.2.max`, or `line 3, column 5`. */
  readonly where: string | undefined;
  /** All that is wrong with the input, each with its place. */
  readonly errors: readonly { where: string; message: string }[];

  constructor(status: number, body: unknown) {
    const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : undefined);
    super(text("detail") ?? text("title") ?? `The server answered with status ${status}.`);
    this.status = status;
    this.code = text("code") ?? "unknown";
    this.fix = text("fix");
    this.where = text("where");
    this.errors = Array.isArray(fields.errors) ? (fields.errors as { where: string; message: string }[]) : [];
  }
}

/** No answer: the server is down, restarting, or the network is. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("The server is not answering.", { cause });
  }
}

export function isProblem(error: unknown, code: string): error is Problem {
  return error instanceof Problem && error.code === code;
}

/** True when trying the same again later may work. */
export function isOutage(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Problem && error.status >= 500);
}

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  fetch: async (request) => {
    try {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const response = await fetch(request, { signal });
      setServerClock(response.headers.get("Date"));
      return response;
    } catch (cause) {
      throw request.signal.aborted ? cause : new Unreachable(cause);
    }
  },
});

/** The data of an answer; throws `Problem` unless the status is 2xx. */
export async function answer<T>(pending: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await pending;
  if (!response.ok) throw new Problem(response.status, error);
  return data as T;
}
