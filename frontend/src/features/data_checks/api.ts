/** Check suites and reports: what pages read of them, and the calls that change them. */
import { queryOptions } from "@tanstack/react-query";
import { call, yamlCall } from "../../client/call";
import { answer, api, isProblem } from "../../client/http";
import type { Answer } from "../../client/types";

export type Suite = Answer<"/api/v1/datasets/{name}/check-suite"> & { engine?: string };
export type Report = Answer<"/api/v1/datasets/{name}/versions/{number}/checks">;
export type CheckResult = Report["results"][number];

export function suiteQuery(name: string) {
  return queryOptions({
    queryKey: ["data_checks", "suite", name],
    queryFn: ({ signal }): Promise<Suite> =>
      answer(api.GET("/api/v1/datasets/{name}/check-suite", { params: { path: { name } }, signal })),
  });
}

/** The newest report, or null while the first checks wait or run. */
export function reportQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["data_checks", "report", name, number],
    queryFn: async ({ signal }): Promise<Report | null> => {
      const params = { path: { name, number: String(number) } };
      try {
        return await answer(api.GET("/api/v1/datasets/{name}/versions/{number}/checks", { params, signal }));
      } catch (error) {
        if (isProblem(error, "not_checked")) return null;
        throw error;
      }
    },
  });
}

export const calls = {
  run: (name: string, number: number) =>
    call("post", "/api/v1/datasets/{name}/versions/{number}/checks", {
      params: { path: { name, number: String(number) } },
    }),
  quarantine: (name: string, number: number, body: { failing?: string; warnings: boolean; message: string }) =>
    call("post", "/api/v1/datasets/{name}/versions/{number}/quarantine", {
      params: { path: { name, number: String(number) } },
      body: { column: "failed_checks", ...body } as never,
    }),
  saveSuite: (name: string, text: string, version: number) =>
    yamlCall(
      "put",
      "/api/v1/datasets/{name}/check-suite",
      { params: { path: { name }, header: { "If-Match": `"${version}"` } } },
      text,
    ),
  suggest: (name: string, number: number, target: string) =>
    call("post", "/api/v1/datasets/{name}/versions/{number}/check-suite/suggest", {
      params: { path: { name, number: String(number) }, query: target ? { target } : {} },
    }),
  translate: (suite: unknown) => call("post", "/api/v1/check-suites/translate", { body: suite as never }),
};
