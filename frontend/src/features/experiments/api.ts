/** Experiments: the list, one of them, and training in it. */
import { queryOptions } from "@tanstack/react-query";
import { call, yamlCall } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type ExperimentRead = Schema<"ExperimentRead">;

export const experimentsQuery = pagesQuery(["experiments", "list"], (cursor, signal) =>
  answer(api.GET("/api/v1/experiments", { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } }, signal })),
);

export function experimentQuery(name: string) {
  return queryOptions({
    queryKey: ["experiments", name],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/experiments/{name}", { params: { path: { name } }, signal })),
  });
}

export const createExperiment = (name: string, description: string) =>
  call("post", "/api/v1/experiments", { body: { name, description } });

/** Trains as the text (YAML) says. */
export const train = (name: string, text: string) =>
  yamlCall("post", "/api/v1/experiments/{name}/runs", { params: { path: { name } } }, text);
