/** Checks of model versions and the suites they come from. */
import { queryOptions } from "@tanstack/react-query";
import { call, yamlCall } from "../../client/call";
import { answer, api, Problem } from "../../client/http";
import type { Schema } from "../../client/types";

export type Report = Schema<"ModelCheckReportRead">;
export type CheckResult = Report["results"][number];

/** The newest report, or null while the first checks wait or run. */
export function reportQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["model_checks", "report", name, number],
    queryFn: async ({ signal }): Promise<Report | null> => {
      const params = { path: { name, number } };
      try {
        return await answer(api.GET("/api/v1/models/{name}/versions/{number}/checks", { params, signal }));
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      }
    },
  });
}

export function suitesQuery(name: string) {
  return queryOptions({
    queryKey: ["model_checks", "suites", name],
    queryFn: async ({ signal }) => {
      const params = { path: { name }, query: { limit: 200 } };
      return (await answer(api.GET("/api/v1/models/{name}/suites", { params, signal }))).items;
    },
  });
}

export function suiteQuery(name: string, suite: string) {
  return queryOptions({
    queryKey: ["model_checks", "suite", name, suite],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/models/{name}/suites/{suite}", { params: { path: { name, suite } }, signal })),
  });
}

export const calls = {
  run: (name: string, number: number, fresh: boolean) =>
    call("post", "/api/v1/models/{name}/versions/{number}/checks", {
      params: { path: { name, number } },
      body: { fresh },
    }),
  saveSuite: (name: string, suite: string, text: string, version: number) =>
    yamlCall(
      "put",
      "/api/v1/models/{name}/suites/{suite}",
      { params: { path: { name, suite }, header: { "If-Match": `"${version}"` } } },
      text,
    ),
};
