/** Monitoring of an endpoint: its windows, drift, quality, policies, and the governor of retrains. */
import { queryOptions } from "@tanstack/react-query";
import { yamlCall } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type HeatMapRead = Schema<"HeatMapRead">;
export type WindowRead = Schema<"WindowRead">;
export type WindowDetail = Schema<"WindowDetail">;
export type GovernorRead = Schema<"GovernorRead">;
export type RulingRead = Schema<"RulingRead">;
export type MonitorRead = Schema<"MonitorRead">;
export type BacktestRead = Schema<"BacktestRead">;
export type FeatureDrift = NonNullable<WindowRead["drift"]>["features"][number];
export type Distribution = NonNullable<WindowDetail["distributions"]>[number];

export const watchedQuery = pagesQuery(["monitoring", "endpoints"], (cursor, signal) =>
  answer(api.GET("/api/v1/endpoints", { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } }, signal })),
);

export function heatMapQuery(name: string, limit = 200) {
  return queryOptions({
    queryKey: ["monitoring", name, "heatmap", limit],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/endpoints/{name}/drift/heatmap", { params: { path: { name }, query: { limit } }, signal }),
      ),
  });
}

/** One window. Its truth may still come in, so it is read again after events. */
export function windowQuery(name: string, id: string) {
  return queryOptions({
    queryKey: ["monitoring", name, "window", id],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/endpoints/{name}/windows/{window_id}", {
          params: { path: { name, window_id: id } },
          signal,
        }),
      ),
  });
}

export function performanceQuery(name: string) {
  return queryOptions({
    queryKey: ["monitoring", name, "performance"],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/endpoints/{name}/performance", { params: { path: { name }, query: { limit: 200 } }, signal }),
      ),
  });
}

export function governorQuery(name: string) {
  return queryOptions({
    queryKey: ["monitoring", name, "governor"],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/endpoints/{name}/governor", { params: { path: { name }, query: { limit: 50 } }, signal }),
      ),
  });
}

export function monitorQuery(name: string) {
  return queryOptions({
    queryKey: ["monitoring", name, "policy"],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/endpoints/{name}/monitor", { params: { path: { name } }, signal })),
  });
}

export const putMonitor = (name: string, text: string, revision: number) =>
  yamlCall(
    "put",
    "/api/v1/endpoints/{name}/monitor",
    { params: { path: { name }, header: { "If-Match": `"${revision}"` } } },
    text,
  );

/** What these policies would have made of the windows so far; changes nothing. */
export const backtest = (name: string, text: string) =>
  yamlCall("post", "/api/v1/endpoints/{name}/drift/backtest", { params: { path: { name } } }, text);
