/** Sweeps: many trainings with other parameters. */
import { queryOptions } from "@tanstack/react-query";
import { call, yamlCall } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type SweepRead = Schema<"SweepRead">;
export type SweepDetail = Schema<"SweepDetail">;
export type Trial = Schema<"TrialRead">;

export function sweepsQuery(experiment: string) {
  return pagesQuery(["sweeps", "list", experiment], (cursor, signal) =>
    answer(
      api.GET("/api/v1/sweeps", {
        params: { query: { experiment, limit: 100, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export function sweepQuery(id: string) {
  return queryOptions({
    queryKey: ["sweeps", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/sweeps/{sweep_id}", { params: { path: { sweep_id: id } }, signal })),
  });
}

/** Begins as the text (YAML) says. */
export const startSweep = (experiment: string, text: string) =>
  yamlCall("post", "/api/v1/experiments/{name}/sweeps", { params: { path: { name: experiment } } }, text);

export const cancelSweep = (id: string) =>
  call("post", "/api/v1/sweeps/{sweep_id}/cancel", { params: { path: { sweep_id: id } } });
