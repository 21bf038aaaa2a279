/**
 * `npm run mock`: the built dashboard over made-up answers, for looking at each state without a server. The token chooses the
 * state: busy, calm, troubled, empty, viewer, forbidden, error, slow, lost (no event stream), away (goes away after 4 seconds).
 * The page runs under the Content-Security-Policy of the real server.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { defineConfig, type Plugin } from "vite";
import { overviews, people } from "./fixtures/overview.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'";
const signedInAt = new Map<string, number>();

function problem(response: ServerResponse, status: number, detail: string, fix?: string) {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ type: "about:blank", title: detail, status, detail, code: "mock", fix }));
}

function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(200, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return text;
}

async function session(request: IncomingMessage, response: ServerResponse) {
  if (request.method === "DELETE") {
    response.writeHead(204, { "Set-Cookie": "millrace_token=; Max-Age=0; Path=/" }).end();
    return;
  }
  const { token } = JSON.parse(await bodyOf(request)) as { token: string };
  if (!(token in overviews) && !["viewer", "forbidden", "error", "slow", "lost", "away"].includes(token)) {
    problem(response, 401, "There is no such token.");
    return;
  }
  signedInAt.set(token, Date.now());
  response.writeHead(204, { "Set-Cookie": `millrace_token=${token}; HttpOnly; SameSite=Strict; Path=/` }).end();
}

function overview(state: string, response: ServerResponse) {
  const shown = overviews[state] ?? overviews.busy;
  if (state === "forbidden") problem(response, 403, "Reading needs the scope read; this token has predict.");
  else if (state === "error")
    problem(response, 500, "The database is not readable.", "Look at the output of millrace up.");
  else setTimeout(() => json(response, shown), state === "slow" ? 8_000 : 0);
}

function events(state: string, response: ServerResponse) {
  if (state === "away") setTimeout(() => response.destroy(), 4_000);
  if (state === "lost") {
    problem(response, 503, "No events now.");
    return;
  }
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const timer = setInterval(() => response.write(": still here\n\n"), 10_000);
  response.write(": hello\n\n");
  response.on("close", () => clearInterval(timer));
}

async function handle(request: IncomingMessage, response: ServerResponse, next: () => void) {
  const path = request.url ?? "/";
  const state = /millrace_token=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
  response.setHeader("Content-Security-Policy", POLICY);
  if (!path.startsWith("/api/")) next();
  else if (path === "/api/v1/session") await session(request, response);
  else if (!state) problem(response, 401, "No token was given.");
  else if (state === "away" && Date.now() - (signedInAt.get(state) ?? 0) > 4_000) response.destroy();
  else if (path === "/api/v1/whoami") json(response, state === "viewer" ? people.viewer : people.admin);
  else if (path === "/api/v1/overview") overview(state, response);
  else if (path === "/api/v1/events/stream") events(state, response);
  else problem(response, 503, "This is a mock: nothing can be changed.");
}

const mock: Plugin = {
  name: "millrace-mock",
  configurePreviewServer(server) {
    server.middlewares.use((request, response, next) => void handle(request, response, next));
  },
};

export default defineConfig({ plugins: [mock] });
