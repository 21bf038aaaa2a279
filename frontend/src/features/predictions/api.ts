/** One recorded answer, and why it is what it is. Both are worked out by a job when first asked for. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import type { Schema } from "../../client/types";

export type PredictionRead = Schema<"PredictionRead">;
export type ExplanationRead = Schema<"ExplanationRead">;
export type RecentPredictionsRead = Schema<"RecentPredictionsRead">;
export type RecentPrediction = Schema<"RecentPrediction">;
export type LineageRead = Schema<"LineageRead">;

const POLL_MS = 700;
const MOST_RECENT = 100;
const isJob = (data: object | undefined) => data !== undefined && "kind" in data;
const under = (id: string) => ({ params: { path: { prediction_id: id } } });

/** Each reading is a job, whose end is an event: read when it is looked at, not after events, or it would never end. */
export function recentQuery(endpoint: string) {
  return queryOptions({
    queryKey: ["predictions", "of", endpoint],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/endpoints/{name}/predictions", {
          params: { path: { name: endpoint }, query: { limit: MOST_RECENT } },
          signal,
        }),
      ),
    refetchInterval: ({ state: { data } }) => (isJob(data) ? POLL_MS : false),
    staleTime: Infinity,
    refetchOnMount: "always",
  });
}

export function predictionQuery(id: string) {
  return queryOptions({
    queryKey: ["predictions", id],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/predictions/{prediction_id}", { ...under(id), signal })),
    refetchInterval: ({ state: { data } }) => (isJob(data) ? POLL_MS : false),
  });
}

export function predictionLineageQuery(id: string) {
  return queryOptions({
    queryKey: ["predictions", id, "lineage"],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/predictions/{prediction_id}/lineage", { ...under(id), signal })),
    refetchInterval: ({ state: { data } }) => (isJob(data) ? POLL_MS : false),
  });
}

export function explanationQuery(id: string) {
  return queryOptions({
    queryKey: ["predictions", id, "explanation"],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/predictions/{prediction_id}/explanation", { ...under(id), signal })),
    refetchInterval: ({ state: { data } }) => (isJob(data) ? POLL_MS : false),
    retry: false,
  });
}

export const explain = (id: string) => call("post", "/api/v1/predictions/{prediction_id}/explanation", under(id));
