/** Gate drills: models and data broken on purpose, and what caught them. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type Drill = Schema<"GateDrillRead">;
export type Mutant = NonNullable<Drill["result"]>["mutants"][number];

export function drillsQuery(name: string) {
  return pagesQuery(["gate_drills", name], (cursor, signal) =>
    answer(
      api.GET("/api/v1/models/{name}/gate-drills", {
        params: { path: { name }, query: { limit: 20, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export function scheduleQuery(name: string) {
  return queryOptions({
    queryKey: ["gate_drills", "schedule", name],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/models/{name}/gate-drill-schedule", { params: { path: { name } }, signal })),
  });
}

export const calls = {
  run: (name: string) => call("post", "/api/v1/models/{name}/gate-drill", { params: { path: { name } } }),
  schedule: (name: string, every: number | null) =>
    call("put", "/api/v1/models/{name}/gate-drill-schedule", {
      params: { path: { name } },
      body: { every_days: every },
    }),
};
