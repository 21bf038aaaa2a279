/** One recorded answer, and why it is what it is. Both are worked out by a job when first asked for. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import type { Schema } from "../../client/types";

export type PredictionRead = Schema<"PredictionRead">;
export type ExplanationRead = Schema<"ExplanationRead">;
export type LineageRead = Schema<"LineageRead">;

const POLL_MS = 700;
const isJob = (data: object | undefined) => data !== undefined && "kind" in data;
const under = (id: string) => ({ params: { path: { prediction_id: id } } });

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
