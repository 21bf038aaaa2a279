/** The comparison with the champion as intervals to be drawn. Pure. */
import type { Interval } from "../../components/charts/Intervals";
import { end } from "../../lib/bounds";
import { toneOf } from "../../lib/states";
import type { Comparison } from "./api";
import { barOf, overallVerdict } from "./gates";

interface Estimate {
  name: string;
  estimate: number;
  low: number | null;
  high: number | null;
  verdict: string;
}

/** Ends that are none are drawn to the edge of what is known, so that they do not hide the others. */
export function drawn(estimates: readonly Estimate[], marks: readonly number[]): Interval[] {
  const known = estimates.flatMap(({ estimate, low, high }) => [estimate, low, high]);
  const finite = [...known, ...marks].filter((value): value is number => value !== null);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  return estimates.map(({ name, estimate, low, high, verdict }) => ({
    name: low === null || high === null ? `${name} (open)` : name,
    estimate,
    low: low ?? least,
    high: high ?? most,
    tone: toneOf(verdict),
  }));
}

/** All rows first, then the slices that were judged, the worst first. */
export function effectsOf(comparison: Comparison): Interval[] {
  const { effect, low, high, slices } = comparison;
  const judged = slices
    .flatMap((slice) => (slice.judged && typeof slice.effect === "number" ? [{ ...slice, effect: slice.effect }] : []))
    .toSorted((one, other) => one.effect - other.effect);
  return drawn(
    [
      { name: "all rows", estimate: effect, low: end(low), high: end(high), verdict: overallVerdict(comparison) },
      ...judged.map((slice) => ({
        name: slice.label,
        estimate: slice.effect,
        low: end(slice.low),
        high: end(slice.high),
        verdict: slice.verdict,
      })),
    ],
    [0, barOf(comparison)],
  );
}
