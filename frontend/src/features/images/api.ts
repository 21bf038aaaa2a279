/** Container images of versions: those that were pushed, and the texts to build or run one. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import type { Schema } from "../../client/types";

export type Image = Schema<"ImageRead">;

export function imagesQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["images", name, number],
    queryFn: async ({ signal }) => {
      const params = { path: { name, number }, query: { limit: 50 } };
      return (await answer(api.GET("/api/v1/models/{name}/versions/{number}/images", { params, signal }))).items;
    },
  });
}

export function dockerfileQuery(name: string, number: number, base: string) {
  return queryOptions({
    queryKey: ["images", "dockerfile", name, number, base],
    queryFn: ({ signal }): Promise<string> =>
      answer(
        api.GET("/api/v1/models/{name}/versions/{number}/dockerfile", {
          params: { path: { name, number }, query: base ? { base } : {} },
          parseAs: "text",
          signal,
        }) as never,
      ),
    retry: false,
  });
}

export function kubernetesQuery(name: string, number: number, format: "deployment" | "kserve", service: string) {
  return queryOptions({
    queryKey: ["images", "kubernetes", name, number, format, service],
    queryFn: ({ signal }): Promise<string> =>
      answer(
        api.GET("/api/v1/models/{name}/versions/{number}/kubernetes", {
          params: { path: { name, number }, query: { name: service, format } },
          parseAs: "text",
          signal,
        }) as never,
      ),
    retry: false,
  });
}

export const push = (name: string, number: number, to: string, platform: string) =>
  call("post", "/api/v1/models/{name}/versions/{number}/image", {
    params: { path: { name, number } },
    body: { to, platform },
  });
