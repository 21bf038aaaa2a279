/** Names for the answers that features and components speak about, taken from the generated paths. */
import type { Readable } from "openapi-typescript-helpers";
import type { components, paths } from "./schema";

/** A body by its name in the OpenAPI document. */
export type Schema<Name extends keyof components["schemas"]> = Readable<components["schemas"][Name]>;

/** What a GET of the path answers with. */
export type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

export type Overview = Answer<"/api/v1/overview">;
export type Whoami = Answer<"/api/v1/whoami">;

export type Stage = Overview["stages"][number];
export type Decision = Overview["decisions"][number];
export type Job = Overview["jobs"][number];
export type Endpoint = Overview["endpoints"][number];
export type Alert = Overview["alerts"][number];
