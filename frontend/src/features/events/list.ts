/** The audit trail in pages, by filters that live in the URL. */
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type EventRead = Schema<"EventRead">;

export interface EventFilters {
  type?: string[];
  /** Types to leave out. */
  without?: string[];
  subject?: string;
  actor?: string;
  since?: string;
  until?: string;
  q?: string;
}

export function eventsQuery(filters: EventFilters) {
  return pagesQuery(["events", "list", filters], (cursor, signal) =>
    answer(
      api.GET("/api/v1/events", {
        params: { query: { ...filters, limit: 200, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

/** Where the browser gets the same events as a file. */
export function exportUrl(filters: EventFilters, format: "csv" | "ndjson"): string {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(filters) as [string, string | string[]][]) {
    for (const one of [value].flat()) query.append(name, one);
  }
  return `/api/v1/events/export?${query.toString()}`;
}
