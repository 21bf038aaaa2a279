/** The installation itself: what it is made of, what it holds, who may do what. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type TokenRead = Schema<"TokenRead">;
export type RoleName = TokenRead["role"];

export const aboutQuery = queryOptions({
  queryKey: ["about"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/about", { signal })),
});

export const storageQuery = queryOptions({
  queryKey: ["storage"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/storage", { signal })),
});

export const rolesQuery = queryOptions({
  queryKey: ["roles"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/roles", { signal })),
  staleTime: Infinity,
});

export const tokensQuery = pagesQuery(["tokens"], (cursor, signal) =>
  answer(api.GET("/api/v1/tokens", { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } }, signal })),
);

export const createToken = (body: { name: string; owner?: string; role: RoleName; expires_at?: string }) =>
  call("post", "/api/v1/tokens", { body });
export const revokeToken = (name: string) => call("delete", "/api/v1/tokens/{name}", { params: { path: { name } } });
