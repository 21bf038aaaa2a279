/** A comparison of two versions in a form for tables. */
import { shownValue } from "../../components/RowsTable";
import type { Diff } from "./api";

/** How far a column moved, in a word, by the usual bounds of PSI (0.1 and 0.25). */
export function movedLabel(psi: number | null | undefined): "a lot" | "somewhat" | "hardly" | "–" {
  if (psi === null || psi === undefined || Number.isNaN(psi)) return "–";
  return psi > 0.25 ? "a lot" : psi > 0.1 ? "somewhat" : "hardly";
}

/** Changed rows: the key, and per column that differs "before → after". */
export function changedPairs({ changed }: Pick<Diff, "changed">): Record<string, unknown>[] {
  return changed.map(({ key, before, after }) => {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const pairs = names.map((name) => [name, `${shownValue(before[name])} → ${shownValue(after[name])}`]);
    return { ...key, ...(Object.fromEntries(pairs) as Record<string, string>) };
  });
}
