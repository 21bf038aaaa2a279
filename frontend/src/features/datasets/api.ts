/** Datasets and their versions: what pages read of them, and the calls that change them. */
import { queryOptions } from "@tanstack/react-query";
import { call, yamlCall } from "../../client/call";
import { answer, api, isProblem } from "../../client/http";
import type { JobRead } from "../../client/job";
import { pagesQuery } from "../../client/pages";
import type { Answer } from "../../client/types";

/** `stored_size` is what the version adds to the store: less than `size` where it shares chunks with others. */
export type Version = Answer<"/api/v1/datasets/{name}/versions/{number}"> & { stored_size?: number | null };
export type Dataset = Answer<"/api/v1/datasets/{name}">;
export type Listed = Dataset & { newest?: Version | null };
export type Profile = Answer<"/api/v1/datasets/{name}/versions/{number}/profile">;
export type ColumnProfile = Profile["columns"][number];
export interface StoredFile {
  path: string;
  md5: string;
  size: number;
}
export type Lineage = Answer<"/api/v1/datasets/{name}/versions/{number}/lineage">;
export type Diff = Answer<"/api/v1/datasets/{name}/versions/{number}/diff">;
export type Recipe = Answer<"/api/v1/datasets/{name}/recipe">;
export type Need = Answer<"/api/v1/datasets/{name}/versions/{number}/needs">["items"][number];

/** The client widens tuples to arrays, and would then not fit the very types it was made from. */
const read = <Body>(pending: Promise<unknown>) => answer<Body>(pending as never);

const path = (name: string, number: number) => ({ path: { name, number: String(number) } });

export function datasetsQuery(archived: boolean) {
  return pagesQuery<Listed>(["datasets", "list", { archived }], (cursor, signal) =>
    read(api.GET("/api/v1/datasets", { params: { query: query({ archived, limit: 200, cursor }) }, signal })),
  );
}

/** Without what is undefined. */
function query<Fields extends object>(fields: Fields): { [Key in keyof Fields]: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

export function datasetQuery(name: string) {
  return queryOptions({
    queryKey: ["datasets", "one", name],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/datasets/{name}", { params: { path: { name } }, signal })),
  });
}

export function versionsQuery(name: string, deleted = false) {
  return pagesQuery<Version>(["datasets", "versions", name, { deleted }], (cursor, signal) =>
    read(
      api.GET("/api/v1/datasets/{name}/versions", {
        params: { path: { name }, query: query({ deleted, limit: 100, cursor }) },
        signal,
      }),
    ),
  );
}

export function versionQuery(name: string, number: string) {
  return queryOptions({
    queryKey: ["datasets", "version", name, number],
    queryFn: ({ signal }): Promise<Version> =>
      read(api.GET("/api/v1/datasets/{name}/versions/{number}", { params: { path: { name, number } }, signal })),
  });
}

export function filesQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["datasets", "files", name, number],
    queryFn: ({ signal }): Promise<{ items: StoredFile[] }> =>
      read(api.GET("/api/v1/datasets/{name}/versions/{number}/files", { params: path(name, number), signal })),
    staleTime: Infinity,
  });
}

/** The profile never changes once the checks have made it; `state` asks anew when they have. */
export function profileQuery(version: Pick<Version, "dataset" | "number" | "state">) {
  return queryOptions({
    queryKey: ["datasets", "profile", version.dataset, version.number, version.state],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/datasets/{name}/versions/{number}/profile", {
          params: path(version.dataset, version.number),
          signal,
        }),
      ),
    enabled: version.state !== "registered" && version.state !== "deleted",
    staleTime: Infinity,
  });
}

export function lineageQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["datasets", "lineage", name, number],
    queryFn: ({ signal }): Promise<Lineage> =>
      read(api.GET("/api/v1/datasets/{name}/versions/{number}/lineage", { params: path(name, number), signal })),
  });
}

export function needsQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["datasets", "needs", name, number],
    queryFn: async ({ signal }) => {
      const params = { path: { name, number } };
      return (await answer(api.GET("/api/v1/datasets/{name}/versions/{number}/needs", { params, signal }))).items;
    },
  });
}

/** The recipe, or null where there is none. */
export function recipeQuery(name: string) {
  return queryOptions({
    queryKey: ["datasets", "recipe", name],
    queryFn: async ({ signal }): Promise<Recipe | null> => {
      try {
        return await read<Recipe>(api.GET("/api/v1/datasets/{name}/recipe", { params: { path: { name } }, signal }));
      } catch (error) {
        if (isProblem(error, "no_recipe")) return null;
        throw error;
      }
    },
  });
}

export type Compared = { diff: Diff; job?: undefined } | { job: JobRead; diff?: undefined };

/** The comparison, or the job that makes it. Never asked again by itself: asking starts a job. */
export function diffQuery(name: string, from: number, to: number, key: readonly string[]) {
  return queryOptions({
    queryKey: ["datasets", "diff", name, from, to, key],
    queryFn: async ({ signal }): Promise<Compared> => {
      const params = { ...path(name, to), query: { against: from, key: [...key] } };
      const asked = api.GET("/api/v1/datasets/{name}/versions/{number}/diff", { params, signal });
      const [body, { response }] = await Promise.all([read<unknown>(asked), asked]);
      return response.status === 202 ? { job: body as JobRead } : { diff: body as Diff };
    },
    staleTime: Infinity,
  });
}

/** Jobs on the version that are not over, and the last that failed. */
export function jobsQuery(subject: string) {
  return queryOptions({
    queryKey: ["datasets", "jobs", subject],
    queryFn: async ({ signal }): Promise<JobRead[]> =>
      (await answer(api.GET("/api/v1/jobs", { params: { query: { subject, limit: 10 } }, signal }))).items,
  });
}

export const calls = {
  create: (name: string, description: string) => call("post", "/api/v1/datasets", { body: { name, description } }),
  describe: (dataset: Dataset, description: string) =>
    call("patch", "/api/v1/datasets/{name}", {
      params: { path: { name: dataset.name }, header: { "If-Match": `"${dataset.revision}"` } },
      body: { description },
    }),
  archive: (name: string) => call("delete", "/api/v1/datasets/{name}", { params: { path: { name } } }),
  remove: (name: string, number: number, reason: string) =>
    call("delete", "/api/v1/datasets/{name}/versions/{number}", {
      params: { path: { name, number }, query: reason ? { reason } : {} },
    }),
  pin: (name: string, number: number, reason: string) =>
    call("put", "/api/v1/datasets/{name}/versions/{number}/pin", {
      params: { path: { name, number } },
      body: { reason },
    }),
  unpin: (name: string, number: number) =>
    call("delete", "/api/v1/datasets/{name}/versions/{number}/pin", { params: { path: { name, number } } }),
  build: (name: string, recipe: Recipe["recipe"]) =>
    call("post", "/api/v1/datasets/{name}/versions", {
      params: { path: { name } },
      body: { source: { ...recipe, follows: undefined }, message: "" } as never,
    }),
  /** Version 0 is no recipe: its revisions may go on counting from one that was withdrawn, so nothing is compared. */
  saveRecipe: (name: string, text: string, version: number) =>
    yamlCall(
      "put",
      "/api/v1/datasets/{name}/recipe",
      { params: { path: { name }, ...(version > 0 ? { header: { "If-Match": `"${version}"` } } : {}) } },
      text,
    ),
  withdrawRecipe: (name: string, version: number) =>
    call("delete", "/api/v1/datasets/{name}/recipe", {
      params: { path: { name }, header: { "If-Match": `"${version}"` } },
    }),
};

/** Where the bytes of a file are, for links. */
export function contentHref(name: string, number: number, file: string): string {
  const parts = file.split("/").map(encodeURIComponent).join("/");
  return `/api/v1/datasets/${encodeURIComponent(name)}/versions/${number}/content/${parts}`;
}
