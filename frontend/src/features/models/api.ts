/** Registered models and their versions: what pages read of them, and the calls that change them. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type Model = Schema<"ModelRead">;
export type Version = Schema<"ModelVersionRead">;
export type OutsideChange = Schema<"OutsideChangeRead">;
export type Task = Model["task"];
export const TASKS = ["classification", "regression", "text_classification"] as const;

export interface ModelFilters {
  q?: string;
  task?: Task;
  tag?: string[];
  owner?: string;
}

export function modelsQuery(filters: ModelFilters) {
  return pagesQuery(["models", "list", filters], (cursor, signal) =>
    answer(
      api.GET("/api/v1/models", {
        params: { query: { ...filters, limit: 100, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export function modelQuery(name: string) {
  return queryOptions({
    queryKey: ["models", name],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/models/{name}", { params: { path: { name } }, signal })),
  });
}

export function versionsQuery(name: string, archived: boolean) {
  return pagesQuery(["models", name, "versions", archived], (cursor, signal) =>
    answer(
      api.GET("/api/v1/models/{name}/versions", {
        params: { path: { name }, query: { archived, limit: 100, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export function versionQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["models", name, "version", number],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/models/{name}/versions/{number}", { params: { path: { name, number } }, signal })),
  });
}

export function originQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["models", name, "lineage", number],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/models/{name}/versions/{number}/lineage", { params: { path: { name, number } }, signal }),
      ),
    staleTime: Infinity,
  });
}

export function outsideChangesQuery(name: string) {
  return pagesQuery(["models", name, "outside"], (cursor, signal) =>
    answer(
      api.GET("/api/v1/models/{name}/outside-changes", {
        params: { path: { name }, query: { limit: 50, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

/** The endpoints that the model answers at. */
export function endpointsQuery(name: string) {
  return queryOptions({
    queryKey: ["models", name, "endpoints"],
    queryFn: async ({ signal }) => {
      const { items } = await answer(api.GET("/api/v1/endpoints", { params: { query: { limit: 200 } }, signal }));
      return items.filter(({ model }) => model === name);
    },
  });
}

/** The rollouts that followed a decision: among the newest of each endpoint of the model. */
export function rolloutsOfQuery(name: string, promotion: string) {
  return queryOptions({
    queryKey: ["models", name, "rollouts", promotion],
    queryFn: async ({ signal }) => {
      const { items } = await answer(api.GET("/api/v1/endpoints", { params: { query: { limit: 200 } }, signal }));
      const lists = await Promise.all(
        items
          .filter(({ model }) => model === name)
          .map((endpoint) =>
            answer(
              api.GET("/api/v1/endpoints/{name}/rollouts", {
                params: { path: { name: endpoint.name }, query: { limit: 50 } },
                signal,
              }),
            ),
          ),
      );
      return lists.flatMap((list) => list.items).filter(({ promotion_id }) => promotion_id === promotion);
    },
  });
}

type Texts = Partial<Pick<Model, "description" | "intended_use" | "limits" | "outside_changes">>;

export const calls = {
  create: (body: { name: string; task: Task; target: string; description: string }) =>
    call("post", "/api/v1/models", { body: { ...body, policy: { gates: [], approval: "automatic" } } }),
  describe: ({ name, revision }: Model, body: Texts & { tags?: Record<string, string | null> }) =>
    call("patch", "/api/v1/models/{name}", {
      params: { path: { name }, header: { "If-Match": `"${revision}"` } },
      body: { tags: {}, ...body },
    }),
  describeVersion: ({ model: name, number }: Version, description: string) =>
    call("patch", "/api/v1/models/{name}/versions/{number}", {
      params: { path: { name, number } },
      body: { description, tags: {} },
    }),
  archive: (name: string, number: number) =>
    call("post", "/api/v1/models/{name}/versions/{number}/archive", { params: { path: { name, number } } }),
  acknowledge: (name: string, id: string) =>
    call("post", "/api/v1/models/{name}/outside-changes/{change_id}/acknowledge", {
      params: { path: { name, change_id: id } },
    }),
  rollOut: (endpoint: string, version: number) =>
    call("post", "/api/v1/endpoints/{name}/rollouts", { params: { path: { name: endpoint } }, body: { version } }),
};
