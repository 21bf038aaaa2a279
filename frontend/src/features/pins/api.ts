/** Pins: mistakes that every later version must get right. */
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Answer } from "../../client/types";

export type Pin = Answer<"/api/v1/pins/{pin_id}">;

export function pinsQuery(name: string, standing: boolean) {
  return pagesQuery(["pins", name, standing], (cursor, signal) =>
    answer(
      api.GET("/api/v1/models/{name}/pins", {
        params: { path: { name }, query: { standing, limit: 100, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export const unpin = (id: string, reason: string) =>
  call("post", "/api/v1/pins/{pin_id}/unpin", { params: { path: { pin_id: id } }, body: { reason } });
