/** Rollouts: how a version takes over, what is known of it by now, and what a person may do. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";
import { onTrial } from "./stages";

export type RolloutRead = Schema<"RolloutRead">;
export type Evidence = Schema<"RolloutAnalysisRead">;
export type Sequence = Evidence["sequences"][number];
export type Finding = NonNullable<RolloutRead["analysis"]>["findings"][number];

export function rolloutsQuery(endpoint: string) {
  return pagesQuery(["rollouts", "of", endpoint], (cursor, signal) =>
    answer(
      api.GET("/api/v1/endpoints/{name}/rollouts", {
        params: { path: { name: endpoint }, query: { limit: 100, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

/** Evidence mounts without an event, so the page asks for it while there is a trial. */
const TRIAL_MS = 5_000;

export function rolloutQuery(id: string) {
  return queryOptions({
    queryKey: ["rollouts", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/rollouts/{rollout_id}", { params: { path: { rollout_id: id } }, signal })),
    refetchInterval: ({ state: { data } }) => (data && onTrial(data) ? TRIAL_MS : false),
  });
}

export function evidenceQuery({ id, state }: Pick<RolloutRead, "id" | "state">) {
  return queryOptions({
    queryKey: ["rollouts", id, "analysis"],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/rollouts/{rollout_id}/analysis", { params: { path: { rollout_id: id } }, signal })),
    refetchInterval: onTrial({ state }) ? TRIAL_MS : false,
  });
}

const at = (id: string) => ({ path: { rollout_id: id } });
const WHY = "asked by a person in the dashboard";

export const advance = (id: string, step: number) =>
  call("post", "/api/v1/rollouts/{rollout_id}/advance", { params: at(id), body: { step, reason: WHY } });
export const pause = (id: string) =>
  call("post", "/api/v1/rollouts/{rollout_id}/pause", { params: at(id), body: { reason: WHY } });
export const resume = (id: string) =>
  call("post", "/api/v1/rollouts/{rollout_id}/resume", { params: at(id), body: { reason: WHY } });
export const abort = (id: string) =>
  call("post", "/api/v1/rollouts/{rollout_id}/abort", { params: at(id), body: { reason: WHY } });
