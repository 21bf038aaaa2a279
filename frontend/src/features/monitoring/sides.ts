/** The counts of a back-test, side by side. Pure. */
import { words } from "../../lib/text";
import type { BacktestRead } from "./api";

type Side = [label: string, proposed: number, present: number, happened: number | null];

export function sides({ proposed, present, recorded }: BacktestRead): Side[] {
  const verdicts = ["quiet", "drifted", "degraded", "broken"].map((verdict): Side => [
    `${verdict} windows`,
    proposed.verdicts[verdict] ?? 0,
    present.verdicts[verdict] ?? 0,
    recorded.verdicts[verdict] ?? 0,
  ]);
  const rules = new Set([proposed, present, recorded].flatMap(({ refusals }) => Object.keys(refusals)));
  const refusals = [...rules]
    .sort()
    .map((rule): Side => [
      `retrains refused: ${words(rule)}`,
      proposed.refusals[rule] ?? 0,
      present.refusals[rule] ?? 0,
      recorded.refusals[rule] ?? 0,
    ]);
  return [
    ...verdicts,
    ["verdict cannot be told", proposed.unknown, present.unknown, null],
    ["alerts opened", proposed.alerts.length, present.alerts.length, recorded.alerts],
    ["retrains started", proposed.retrains, present.retrains, recorded.retrains],
    ...refusals,
  ];
}
