/** Alerts: the list by filters, one of them, acknowledging ("I have seen it and am on it") and resolving. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type AlertRead = Schema<"AlertRead">;
export type AlertDetail = Schema<"AlertDetail">;

export const ALERT_STATES = ["open", "acknowledged", "resolved"] as const;
export const ALERT_KINDS = ["drift", "quality", "broken_data", "gate"] as const;
export const SEVERITIES = ["error", "warn"] as const;

export interface AlertFilters {
  state?: (typeof ALERT_STATES)[number];
  kind?: (typeof ALERT_KINDS)[number];
  severity?: (typeof SEVERITIES)[number];
  endpoint?: string;
}

/** The text if it is one of `known`: what stands in a URL may be anything. */
export function oneOf<Known extends string>(known: readonly Known[], text: string): Known | undefined {
  return known.find((one) => one === text);
}

export function alertsQuery(filters: AlertFilters) {
  return pagesQuery(["alerts", "list", filters], (cursor, signal) =>
    answer(
      api.GET("/api/v1/alerts", {
        params: { query: { ...filters, limit: 200, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export function alertQuery(id: string) {
  return queryOptions({
    queryKey: ["alerts", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/alerts/{alert_id}", { params: { path: { alert_id: id } }, signal })),
  });
}

export const acknowledgeAlert = (id: string, note: string) =>
  call("post", "/api/v1/alerts/{alert_id}/acknowledge", { params: { path: { alert_id: id } }, body: { note } });
export const resolveAlert = (id: string, reason: string) =>
  call("post", "/api/v1/alerts/{alert_id}/resolve", { params: { path: { alert_id: id } }, body: { reason } });
