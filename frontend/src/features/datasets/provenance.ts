/** Where a version comes from, in a few words. */
import type { Version } from "./api";

type Source = Version["source"];

export function provenance(source: Source): string {
  switch (source.kind) {
    case "upload":
      return "uploaded";
    case "recipe":
      return `built from ${source.concat.join(", ")}${source.revision ? `, revision ${source.revision} of its recipe` : ""}`;
    case "traffic":
      return `answers of ${source.endpoint} with their truth`;
    case "quarantine":
      return `${source.part} rows of ${source.version}`;
    case "batch_prediction":
      return `${source.version} with the answers of ${source.model}`;
    case "dvc":
      return `DVC pointer ${source.path}${source.commit ? ` at ${source.commit.slice(0, 8)}` : ""}`;
    case "git":
      return `${source.path} of ${source.git} at ${source.commit.slice(0, 8)}`;
  }
}

/** Everything about the source that is worth a line of its own. */
export function sourceFacts(source: Source): Record<string, string | undefined> {
  switch (source.kind) {
    case "upload":
      return {};
    case "recipe":
      return {
        Filter: source.where ?? undefined,
        "Unique by": source.unique.join(", "),
        Steps: source.steps.map(({ step }) => step).join(", "),
        "Learned on": source.fitted
          .map(({ place, step, learned_on }) => `${place} ${step}: ${learned_on.join(", ")}`)
          .join("; "),
        Leakage: source.leakage ? "a step learned on these very rows: do not judge a model on them" : undefined,
      };
    case "traffic":
      return { Target: source.target, Rows: source.last_rows ? `the newest ${source.last_rows}` : undefined };
    case "quarantine":
      return {
        "Failed rows": Object.entries(source.failing)
          .map(([check, rows]) => `${check}: ${rows}`)
          .join("; "),
      };
    case "batch_prediction":
      return { Endpoint: source.endpoint ?? undefined, "Rows without answer": String(source.bad_rows) };
    case "dvc":
      return { MD5: source.md5, Author: source.author ?? undefined, Commit: source.message ?? undefined };
    case "git":
      return { Address: source.url, Revision: source.rev, Author: source.author, Commit: source.message };
  }
}
