/** A write that has not been sent yet: it can be sent, and it can be shown as the HTTP request that does the same. */
import {
  createFinalURL,
  createQuerySerializer,
  defaultPathSerializer,
  type FetchResponse,
  type MaybeOptionalInit,
} from "openapi-fetch";
import type { HttpMethod, PathsWithMethod } from "openapi-typescript-helpers";
import { answer, api } from "./http";
import type { paths } from "./schema";

export interface Call<Answer = unknown> {
  method: string;
  /** Path and query, without the origin. */
  path: string;
  body: unknown;
  headers: Record<string, string>;
  send: () => Promise<Answer>;
}

interface Given {
  body?: unknown;
  params?: { path?: Record<string, unknown>; query?: Record<string, unknown>; header?: Record<string, unknown> };
}

type Data<Operation, Init> =
  Operation extends Record<string | number, unknown>
    ? NonNullable<FetchResponse<Operation, Init, "application/json">["data"]>
    : never;

/** `call("post", "/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id } } })`, typed by the OpenAPI document. */
export function call<
  Method extends HttpMethod,
  Path extends PathsWithMethod<paths, Method>,
  Init extends MaybeOptionalInit<paths[Path], Method>,
>(method: Method, template: Path, init: Init): Call<Data<paths[Path][Method], Init>> {
  const given = init as Given;
  return {
    method: method.toUpperCase(),
    path: createFinalURL(template, {
      baseUrl: "",
      params: given.params ?? {},
      querySerializer: createQuerySerializer(),
      pathSerializer: defaultPathSerializer,
    }),
    body: given.body,
    headers: Object.fromEntries(
      Object.entries(given.params?.header ?? {}).map(([name, value]) => [name, String(value)]),
    ),
    // The client's own overloads cannot be met by parameters that are still generic here.
    send: () => answer((api.request as (...all: unknown[]) => Promise<never>)(method, template, init)),
  };
}

/** As `call`, with a body that is text in YAML: where the server takes a document, as people write it. */
export function yamlCall<
  Method extends HttpMethod,
  Path extends PathsWithMethod<paths, Method>,
  Init extends MaybeOptionalInit<paths[Path], Method>,
>(method: Method, template: Path, init: Omit<Init, "body">, text: string): Call<Data<paths[Path][Method], Init>> {
  const headers = { "Content-Type": "application/yaml" };
  const whole = { ...init, body: text, headers, bodySerializer: (body: string) => body };
  const described = call(method, template, whole as never);
  return { ...described, headers: { ...described.headers, ...headers } };
}
