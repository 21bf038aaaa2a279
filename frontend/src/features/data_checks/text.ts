/** A check suite as the text that a person edits. */
import { toYaml, withoutDefaults } from "../../lib/yaml";
import type { Suite } from "./api";

const DEFAULTS = { severity: "error", extra: "allow", max_share: 0, ordered: false, strict: false, method: "auto" };

/** One check without what goes without saying, its kind first. */
export function shortCheck(check: object): object {
  const { check: kind, ...rest } = withoutDefaults(check, DEFAULTS);
  return { check: kind, ...rest };
}

export function suiteText({ engine, checks }: Pick<Suite, "engine" | "checks">): string {
  const short = checks.map(shortCheck);
  return toYaml(engine !== "auto" ? { engine, checks: short } : { checks: short });
}
