/** Looking at a version's answers: rows by kind, notes on them, and mistakes that become tests. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../client/call";
import { answer, api, Problem } from "../../client/http";
import type { Schema } from "../../client/types";

export type Eyeball = Schema<"EyeballRead">;
export type ShownRow = Schema<"ShownRow">;
export type Label = ShownRow["truth"];
export type Finding = Schema<"NoteWrite">["finding"];
type Ask = Schema<"EyeballAsk">;

/** The rows that were picked last, or null while nobody has asked. */
export function eyeballQuery(name: string, number: number) {
  return queryOptions({
    queryKey: ["eyeballs", "newest", name, number],
    queryFn: async ({ signal }): Promise<Eyeball | null> => {
      const params = { path: { name, number } };
      try {
        return await answer(api.GET("/api/v1/models/{name}/versions/{number}/eyeball", { params, signal }));
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      }
    },
  });
}

/** One question's rows, for links that somebody shared. */
export function oneEyeballQuery(id: string) {
  return queryOptions({
    queryKey: ["eyeballs", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/eyeballs/{eyeball_id}", { params: { path: { eyeball_id: id } }, signal })),
  });
}

interface Pin {
  instance: Record<string, unknown>;
  expect: Label;
  within: number | null;
  answered: Label;
  note: string;
}

export const calls = {
  ask: (name: string, number: number, ask: Partial<Ask>) =>
    call("post", "/api/v1/models/{name}/versions/{number}/eyeballs", {
      params: { path: { name, number } },
      body: { against: "champion", limit: 20, seed: 0, ...ask },
    }),
  note: (name: string, row: string, finding: Finding, text: string) =>
    call("put", "/api/v1/models/{name}/rows/{row}/note", { params: { path: { name, row } }, body: { finding, text } }),
  pin: (name: string, number: number, pin: Pin) =>
    call("post", "/api/v1/models/{name}/versions/{number}/pins", { params: { path: { name, number } }, body: pin }),
};
