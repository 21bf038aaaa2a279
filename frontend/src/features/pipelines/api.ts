/** Pipelines, their runs and what sets them off. */
import { queryOptions } from "@tanstack/react-query";
import { call, yamlCall } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type PipelineRead = Schema<"PipelineRead">;
export type PipelineRunRead = Schema<"PipelineRunRead">;
export type Step = PipelineRunRead["steps"][number];
export type Trigger = PipelineRead["spec"]["triggers"][number];

export const pipelinesQuery = pagesQuery(["pipelines", "list"], (cursor, signal) =>
  answer(api.GET("/api/v1/pipelines", { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } }, signal })),
);

export function pipelineQuery(name: string) {
  return queryOptions({
    queryKey: ["pipelines", name],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/pipelines/{name}", { params: { path: { name } }, signal })),
  });
}

export function pipelineRunsQuery(name: string) {
  return pagesQuery(["pipelines", name, "runs"], (cursor, signal) =>
    answer(
      api.GET("/api/v1/pipelines/{name}/runs", {
        params: { path: { name }, query: { limit: 100, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export function pipelineRunQuery(id: string) {
  return queryOptions({
    queryKey: ["pipelines", "run", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/pipeline-runs/{run_id}", { params: { path: { run_id: id } }, signal })),
  });
}

export const startRun = (name: string, reason: string) =>
  call("post", "/api/v1/pipelines/{name}/runs", { params: { path: { name } }, body: { reason } });
export const cancelRun = (id: string) =>
  call("post", "/api/v1/pipeline-runs/{run_id}/cancel", { params: { path: { run_id: id } } });

/** Saves the pipeline as text, if it is still at this revision. */
export const putPipeline = (name: string, text: string, revision: number) =>
  yamlCall(
    "put",
    "/api/v1/pipelines/{name}",
    { params: { path: { name }, header: { "If-Match": `"${revision}"` } } },
    text,
  );

export const createPipeline = (name: string, text: string) =>
  yamlCall("put", "/api/v1/pipelines/{name}", { params: { path: { name } } }, text);
