/** Comparisons: versions scored on the same rows of datasets and subsets of them. */
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type Comparison = Schema<"ComparisonRead">;
export type Result = NonNullable<Comparison["result"]>;

export function comparisonsQuery(name: string) {
  return pagesQuery(["comparisons", name], (cursor, signal) =>
    answer(
      api.GET("/api/v1/models/{name}/comparisons", {
        params: { path: { name }, query: { limit: 20, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export interface Asked {
  versions: (number | string)[];
  datasets: string[];
  where: string[];
  metric: string | null;
}

export const compare = (name: string, body: Asked) =>
  call("post", "/api/v1/models/{name}/comparisons", { params: { path: { name } }, body });
