/** What a comparison can be drawn by: every metric and every parameter that differs, a value per run. */
import type { Dimension } from "../../components/charts/Parallel";
import type { Point } from "../../components/charts/Scatter";
import type { RunComparison } from "./api";
import { plain } from "./columns";

export interface Axis extends Dimension {
  /** `metrics.NAME` or `params.NAME`. */
  id: string;
}

const MOST_PARALLEL = 9;

/** Parameters first, as causes come before effects. */
export function axesOf({ params, metrics }: Pick<RunComparison, "params" | "metrics">): Axis[] {
  const drawn = (value: unknown) => {
    const simple = plain(value);
    if (simple === undefined || simple === null) return null;
    return typeof simple === "boolean" ? String(simple) : simple;
  };
  return [
    ...Object.entries(params).map(([name, values]) => ({
      id: `params.${name}`,
      name: name.replace(/^params\./, ""),
      values: values.map(drawn),
    })),
    ...Object.entries(metrics).map(([name, values]) => ({ id: `metrics.${name}`, name, values })),
  ];
}

/** Some parameters and some metrics of the test rows: as many axes as can be told apart. */
export function parallelAxes(axes: readonly Axis[]): Axis[] {
  const params = axes.filter(({ id }) => id.startsWith("params."));
  const metrics = axes.filter(({ id }) => id.startsWith("metrics."));
  const tests = metrics.filter(({ name }) => name.startsWith("test_"));
  const results = (tests.length > 0 ? tests : metrics).slice(0, 4);
  return [...params.slice(0, MOST_PARALLEL - results.length), ...results];
}

export const isNumeric = ({ values }: Dimension) => values.some((value) => typeof value === "number");

/** The runs that have a number on both axes. */
export function pointsOf(names: readonly string[], x: Dimension, y: Dimension): Point[] {
  return names.flatMap((name, index) => {
    const [a, b] = [x.values[index], y.values[index]];
    return typeof a === "number" && typeof b === "number" ? [{ name, x: a, y: b }] : [];
  });
}
