/** A policy as people write it: without what is as it would be anyway. Pure. */
import { toYaml, withoutDefaults } from "../../lib/yaml";
import type { Promotion } from "./api";

type Policy = Promotion["policy"];

const OF_ANY = { severity: "error" };
const OF_CHAMPION = {
  alpha: 0.05,
  require: "superiority",
  test: "auto",
  slices: [],
  slice_min_rows: 30,
  power: 0.8,
  budget: { rule: "bonferroni", window: null },
};

export function policyText({ gates, approval }: Policy): string {
  return toYaml({
    gates: gates.map((gate) => {
      const said = withoutDefaults(gate, gate.gate === "champion" ? { ...OF_ANY, ...OF_CHAMPION } : OF_ANY);
      return Object.fromEntries(Object.entries(said).filter(([key, value]) => key !== "named" || !isEmpty(value)));
    }),
    approval,
  });
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
