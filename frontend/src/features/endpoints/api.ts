/** Endpoints: what answers now, how much it is asked, and what may be done about it. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api, Problem, Unreachable } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Answer, Schema } from "../../client/types";

export type EndpointRead = Schema<"EndpointRead">;
export type EndpointPut = Schema<"EndpointPut">;
export type EndpointSettings = Schema<"EndpointSettings">;
export type TrafficRead = Answer<"/api/v1/endpoints/{name}/traffic">;
export type VersionTraffic = TrafficRead["versions"][number];
export type InputColumn = Schema<"InputColumn">;

/** Serving reports this often; its figures are no event, so the page asks for them itself. */
const TRAFFIC_MS = 10_000;

export const endpointsQuery = pagesQuery(["endpoints", "list"], (cursor, signal) =>
  answer(api.GET("/api/v1/endpoints", { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } }, signal })),
);

export function endpointQuery(name: string) {
  return queryOptions({
    queryKey: ["endpoints", name],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/endpoints/{name}", { params: { path: { name } }, signal })),
  });
}

export function trafficQuery(name: string) {
  return queryOptions({
    queryKey: ["endpoints", name, "traffic"],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/endpoints/{name}/traffic", { params: { path: { name } }, signal })),
    refetchInterval: TRAFFIC_MS,
  });
}

/** Models that an endpoint may be made for. */
export const modelNamesQuery = queryOptions({
  queryKey: ["models", "names"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/models", { params: { query: { limit: 200 } }, signal })),
  select: ({ items }) => items.map(({ name }) => name),
});

export function versionNumbersQuery(model: string) {
  return queryOptions({
    queryKey: ["models", model, "numbers"],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/models/{name}/versions", { params: { path: { name: model }, query: { limit: 100 } }, signal }),
      ),
    select: ({ items }) => items.map(({ number, state }) => ({ number, state })).sort((a, b) => b.number - a.number),
  });
}

type Put = Omit<EndpointPut, "settings" | "strategy"> & Partial<Pick<EndpointPut, "settings" | "strategy">>;

/** Creates it, or changes it when `revision` is given: refused when somebody else was faster. */
export const putEndpoint = (name: string, body: Put, revision?: number) =>
  call("put", "/api/v1/endpoints/{name}", {
    params: { path: { name }, header: revision === undefined ? {} : { "If-Match": `"${revision}"` } },
    body: body as EndpointPut,
  });

export const rollBack = (name: string, reason: string) =>
  call("post", "/api/v1/endpoints/{name}/rollback", { params: { path: { name } }, body: { reason } });

export const startRollout = (name: string, version: number, strategy: EndpointRead["strategy"] | undefined) =>
  call("post", "/api/v1/endpoints/{name}/rollouts", {
    params: { path: { name } },
    body: { version, ...(strategy ? { strategy } : {}) },
  });

/** An answer of serving. Its API is another one than the control plane's; both know the session. */
export interface Served {
  predictions: (number | string | boolean | null)[];
  ids: string[];
  model_version: number;
  probabilities?: Record<string, number>[];
  millis: number;
  /** As it came. */
  body: unknown;
}

const APART = {
  detail: "Predictions are served at another address than this page.",
  fix: "Ask there, by one of the programs beside.",
};

export async function ask(endpoint: string, body: object): Promise<Served> {
  const began = performance.now();
  let response: Response;
  try {
    response = await fetch(`/serve/${encodeURIComponent(endpoint)}/predict`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
  } catch (cause) {
    throw new Unreachable(cause);
  }
  const said: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const problem = new Problem(response.status, said);
    // The control plane answered: there is no serving behind this address.
    throw problem.code === "not_found" ? new Problem(404, { ...APART, code: "serving_apart" }) : problem;
  }
  return { ...(said as Omit<Served, "millis" | "body">), millis: performance.now() - began, body: said };
}
