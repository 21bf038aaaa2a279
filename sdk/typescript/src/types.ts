/** What an operation takes and gives, read off the generated schema. */
import type { operations } from "./generated/schema.js";

export type { components, operations, paths } from "./generated/schema.js";

type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };
type Params<P> = { [K in keyof P as K extends "path" | "query" | "header" ? ([P[K]] extends [undefined] ? never : K) : never]: P[K] };
type Body<O> = O extends { requestBody: { content: infer C } }
  ? { body: C[keyof C] | FormData | Blob }
  : O extends { requestBody?: { content: infer C } }
    ? { body?: C[keyof C] | FormData | Blob }
    : unknown;
type Init<O extends { parameters: unknown }> = Params<O["parameters"]> & Body<O> & { signal?: AbortSignal };
type Content<R> = R extends { content: infer C } ? C[keyof C] : undefined;
type Responses<O> = O extends { responses: infer R } ? R : never;

/** The one argument of an operation; it may be left out where nothing in it is needed. */
export type Arguments<K extends keyof operations> =
  keyof Given<Init<operations[K]>> extends never ? [init?: Init<operations[K]>] : [init: Init<operations[K]>];
/** What a 2xx answer brings. */
export type Data<K extends keyof operations> = {
  [S in keyof Responses<operations[K]>]: S extends 200 | 201 | 202 | 204 ? Content<Responses<operations[K]>[S]> : never;
}[keyof Responses<operations[K]>];

/** One server-sent event. */
export interface Message {
  id: string | undefined;
  event: string;
  data: unknown;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Call = (method: string, path: string, init?: any) => Promise<any>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Follow = (method: string, path: string, init?: any) => AsyncGenerator<Message>;
