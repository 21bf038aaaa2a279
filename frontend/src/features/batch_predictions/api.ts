/** Batches: a data version scored into another. */
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type BatchRead = Schema<"BatchPredictionRead">;
export type BatchAsk = Schema<"BatchAsk">;

export const batchesQuery = pagesQuery(["batch-predictions", "list"], (cursor, signal) =>
  answer(
    api.GET("/api/v1/batch-predictions", { params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } }, signal }),
  ),
);

export const startBatch = (body: BatchAsk) => call("post", "/api/v1/batch-predictions", { body });
