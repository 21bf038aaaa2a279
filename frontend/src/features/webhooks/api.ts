/** Webhooks: other servers that are told of events, and each time that one was told. For admins. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type WebhookRead = Schema<"WebhookRead">;
export type WebhookDeliveryRead = Schema<"WebhookDeliveryRead">;

export const DELIVERY_STATES = ["pending", "delivered", "failed"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

const page = (cursor: string | undefined) => ({ limit: 200, ...(cursor ? { cursor } : {}) });

export const webhooksQuery = pagesQuery(["webhooks"], (cursor, signal) =>
  answer(api.GET("/api/v1/webhooks", { params: { query: page(cursor) }, signal })),
);

export function deliveriesQuery(name: string, state: DeliveryState | undefined) {
  return pagesQuery(["webhooks", name, "deliveries", state], (cursor, signal) =>
    answer(
      api.GET("/api/v1/webhooks/{name}/deliveries", {
        params: { path: { name }, query: { ...page(cursor), ...(state ? { state } : {}) } },
        signal,
      }),
    ),
  );
}

export function deliveryQuery(id: string) {
  return queryOptions({
    queryKey: ["webhook-deliveries", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/webhook-deliveries/{delivery_id}", { params: { path: { delivery_id: id } }, signal })),
  });
}

const at = (name: string) => ({ params: { path: { name } } });

export interface Wanted {
  url: string;
  types: string[];
  subject: string | null;
}

export const createWebhook = (body: { name: string } & Wanted) =>
  call("post", "/api/v1/webhooks", { body: { ...body, active: true } });
/** `revision` is what the person saw: somebody else's change in between is a 412. */
export const changeWebhook = ({ name, revision }: WebhookRead, body: Schema<"WebhookUpdate">) =>
  call("patch", "/api/v1/webhooks/{name}", {
    params: { path: { name }, header: { "If-Match": `"${revision}"` } },
    body,
  });
export const deleteWebhook = (name: string) => call("delete", "/api/v1/webhooks/{name}", at(name));
export const renewSecret = (name: string) => call("post", "/api/v1/webhooks/{name}/secret", at(name));
export const sendTest = (name: string) => call("post", "/api/v1/webhooks/{name}/test", at(name));
export const redeliver = (id: string) =>
  call("post", "/api/v1/webhook-deliveries/{delivery_id}/redeliver", { params: { path: { delivery_id: id } } });
