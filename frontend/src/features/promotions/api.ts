/** Promotions: decisions with their evidence, what can be done with them, the policy they follow, the alpha they spend. */
import { queryOptions } from "@tanstack/react-query";
import { call, yamlCall } from "../../client/call";
import { answer, api, Problem } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type Promotion = Schema<"PromotionRead">;
export type Comparison = Schema<"PairedComparison">;
export type Replay = Schema<"ReplayRead">;
export type AlphaBudget = Schema<"AlphaBudgetRead">;
export type ModelEvent = Schema<"EventRead">;

export function promotionsQuery(model?: string) {
  return pagesQuery(["promotions", "list", model], (cursor, signal) =>
    answer(
      api.GET("/api/v1/promotions", {
        params: { query: { ...(model ? { model } : {}), limit: 50, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export function promotionQuery(id: string) {
  return queryOptions({
    queryKey: ["promotions", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/promotions/{promotion_id}", { params: { path: { promotion_id: id } }, signal })),
  });
}

/** The newest decision about a version, or null while nobody has asked for one. */
export function evidenceQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["promotions", "evidence", name, number],
    queryFn: async ({ signal }): Promise<Promotion | null> => {
      try {
        const params = { path: { name, number } };
        return await answer(api.GET("/api/v1/models/{name}/versions/{number}/evidence", { params, signal }));
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      }
    },
  });
}

export function replaysQuery(id: string) {
  return queryOptions({
    queryKey: ["promotions", "replays", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/promotions/{promotion_id}/replays", { params: { path: { promotion_id: id } }, signal })),
  });
}

export function alphaBudgetQuery(name: string) {
  return queryOptions({
    queryKey: ["promotions", "alpha", name],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/models/{name}/alpha-budget", { params: { path: { name } }, signal })),
  });
}

/** When the champion alias moved, newest first. */
export function championMovesQuery(name: string) {
  return queryOptions({
    queryKey: ["promotions", "moves", name],
    queryFn: async ({ signal }) => {
      const query = { type: ["AliasMoved"], subject: `models/${name}`, limit: 200 };
      const { items } = await answer(api.GET("/api/v1/events", { params: { query }, signal }));
      return items.filter(({ subject, payload }) => subject === `models/${name}` && payload.alias === "champion");
    },
  });
}

const of = (id: string) => ({ params: { path: { promotion_id: id } } });

export const calls = {
  request: (name: string, number: number) =>
    call("post", "/api/v1/models/{name}/versions/{number}/promotions", { params: { path: { name, number } } }),
  approve: (id: string) => call("post", "/api/v1/promotions/{promotion_id}/approve", of(id)),
  reject: (id: string, reason: string) =>
    call("post", "/api/v1/promotions/{promotion_id}/reject", { ...of(id), body: { reason } }),
  override: (id: string, reason: string) =>
    call("post", "/api/v1/promotions/{promotion_id}/override", { ...of(id), body: { reason } }),
  replay: (id: string) => call("post", "/api/v1/promotions/{promotion_id}/replay", of(id)),
  savePolicy: (name: string, text: string, version: number) =>
    yamlCall(
      "put",
      "/api/v1/models/{name}/policy",
      { params: { path: { name }, header: { "If-Match": `"${version}"` } } },
      text,
    ),
};

export const packAddress = (id: string) => `/api/v1/promotions/${encodeURIComponent(id)}/evidence-pack`;
