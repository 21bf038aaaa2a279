/** The card of a version, what happened to it, and versions side by side. */
import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "../../client/http";
import type { Schema } from "../../client/types";

export type ModelCard = Schema<"ModelCard">;
export type SideBySide = Schema<"SideBySide">;
export type HistoryEntry = Schema<"HistoryEntry">;

export function cardQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["model_cards", name, number],
    queryFn: async ({ signal }) => {
      const card = await answer(
        api.GET("/api/v1/models/{name}/versions/{number}/card", { params: { path: { name, number } }, signal }),
      );
      // The document says that the card can also be text; that is only for those who ask for it.
      return card as ModelCard;
    },
  });
}

export function historyQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["model_cards", "history", name, number],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/models/{name}/versions/{number}/history", { params: { path: { name, number } }, signal }),
      ),
  });
}

export function sideBySideQuery(name: string, versions: string) {
  return queryOptions({
    queryKey: ["model_cards", "compare", name, versions],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/models/{name}/compare", { params: { path: { name }, query: { versions } }, signal })),
    enabled: versions.includes(","),
  });
}

/** The same card as Markdown, to be kept or sent on. */
export const markdownAddress = (name: string, number: number) =>
  `/api/v1/models/${encodeURIComponent(name)}/versions/${number}/card?format=markdown`;
