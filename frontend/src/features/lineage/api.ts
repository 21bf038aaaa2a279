/** What something came from and what came of it. */
import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "../../client/http";
import type { Schema } from "../../client/types";

export type LineageGraph = Schema<"LineageGraph">;
export type LineageNode = LineageGraph["nodes"][number];
export const DIRECTIONS = ["both", "up", "down"] as const;
export type Direction = (typeof DIRECTIONS)[number];

export function lineageQuery(of: string, direction: Direction, depth: number) {
  return queryOptions({
    queryKey: ["lineage", of, direction, depth],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/lineage", { params: { query: { of, direction, depth } }, signal })),
    enabled: of !== "",
    // A prediction is looked up by a job first: the answer is the job until it is found.
    refetchInterval: ({ state: { data } }) => (data && "kind" in data ? 700 : false),
  });
}
