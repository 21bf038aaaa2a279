/** Runs: the list with the server's filter, one of them with its curves and files, several side by side. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api, Problem, Unreachable } from "../../client/http";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";

export type RunRead = Schema<"RunRead">;
export type RunDetail = Schema<"RunDetail">;
export type RunComparison = Schema<"RunComparison">;
export type RunCurves = Schema<"RunCurves">;
export type ArtifactRead = Schema<"ArtifactRead">;
export type ReproductionRead = Schema<"ReproductionRead">;

export const hasEnded = ({ state }: { state: string }) => state !== "pending" && state !== "running";

/** `created_at`, `metrics.NAME` or `params.NAME`, with a `-` for the largest first. */
const SORTABLE = /^-?(?:created_at$|metrics\.|params\.)/;

export function runsQuery({ experiment, filter, sort }: { experiment?: string; filter: string; sort: string }) {
  const query = {
    limit: 100,
    ...(experiment === undefined ? {} : { experiment }),
    ...(filter.trim() ? { filter } : {}),
    ...(SORTABLE.test(sort) ? { sort } : {}),
  };
  return {
    ...pagesQuery(["runs", "list", query], (cursor, signal) =>
      answer(api.GET("/api/v1/runs", { params: { query: { ...query, ...(cursor ? { cursor } : {}) } }, signal })),
    ),
    // The table stays while another order or filter is read.
    placeholderData: keepPreviousData,
  };
}

const path = (id: string) => ({ params: { path: { run_id: id } } });

export function runQuery(id: string) {
  return queryOptions({
    queryKey: ["runs", id],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/runs/{run_id}", { ...path(id), signal })),
  });
}

export function comparisonQuery(ids: readonly string[]) {
  return queryOptions({
    queryKey: ["runs", "compare", ids],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/runs/compare", { params: { query: { ids: ids.join(",") } }, signal })),
  });
}

const LIVE_MS = 3_000;

/** Which metrics MLflow has of the run. Points come without events: while it runs, they are asked for. */
export function metricsQuery(id: string, live: boolean) {
  return queryOptions({
    queryKey: ["runs", id, "metrics"],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/runs/{run_id}/curves", { params: { path: { run_id: id }, query: { limit: 1000 } }, signal }),
      ),
    refetchInterval: live ? LIVE_MS : false,
  });
}

export function curvesQuery(id: string, keys: readonly string[], live = false) {
  return queryOptions({
    queryKey: ["runs", id, "curves", keys],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/runs/{run_id}/curves", {
          params: { path: { run_id: id }, query: { keys: keys.join(",") } },
          signal,
        }),
      ),
    enabled: keys.length > 0,
    refetchInterval: live ? LIVE_MS : false,
  });
}

/** One metric of many runs, in little detail when they are very many. Those without it are left out. */
export function overlaidQuery(ids: readonly string[], key: string | undefined, ended: boolean) {
  const points = ids.length > 20 ? 200 : 500;
  return queryOptions({
    queryKey: ["runs", "overlaid", ids, key],
    queryFn: async ({ signal }) => {
      const answers = await Promise.allSettled(
        ids.map((id) =>
          answer(
            api.GET("/api/v1/runs/{run_id}/curves", {
              params: { path: { run_id: id }, query: { keys: key ?? "", points } },
              signal,
            }),
          ),
        ),
      );
      return {
        curves: answers.flatMap((one) =>
          one.status === "fulfilled"
            ? one.value.curves
                .filter(({ steps }) => steps.length > 0)
                .map((curve) => ({ run: one.value.run_id, ...curve }))
            : [],
        ),
        failed: answers.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : [])),
      };
    },
    enabled: key !== undefined,
    // What has ended logs no more.
    ...(ended ? { staleTime: Infinity } : {}),
  });
}

export function artifactsQuery(id: string, folder: string) {
  return queryOptions({
    queryKey: ["runs", id, "artifacts", folder],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/runs/{run_id}/artifacts", {
          params: { path: { run_id: id }, query: { path: folder } },
          signal,
        }),
      ),
  });
}

/** The address of a file of the run. */
export function artifactUrl(id: string, file: string): string {
  return `/api/v1/runs/${encodeURIComponent(id)}/artifacts/content/${file.split("/").map(encodeURIComponent).join("/")}`;
}

export function artifactTextQuery(id: string, file: string) {
  return queryOptions({
    queryKey: ["runs", id, "artifact", file],
    queryFn: async ({ signal }) => {
      const response = await fetch(artifactUrl(id, file), { signal, credentials: "same-origin" }).catch(
        (cause: unknown) => {
          throw signal.aborted ? cause : new Unreachable(cause);
        },
      );
      const text = await response.text();
      if (!response.ok)
        throw new Problem(response.status, { detail: `The file could not be read (${response.status}).` });
      return text;
    },
  });
}

export function reproductionsQuery(id: string) {
  return pagesQuery(["runs", id, "reproductions"], (cursor, signal) =>
    answer(
      api.GET("/api/v1/runs/{run_id}/reproductions", {
        params: { path: { run_id: id }, query: { limit: 50, ...(cursor ? { cursor } : {}) } },
        signal,
      }),
    ),
  );
}

export const reproduce = (id: string) =>
  call("post", "/api/v1/runs/{run_id}/reproduce", {
    ...path(id),
    body: { tolerance: 1e-6 },
  });

export const register = (id: string, model: string) =>
  call("post", "/api/v1/models/{name}/versions", { params: { path: { name: model } }, body: { run_id: id } });
