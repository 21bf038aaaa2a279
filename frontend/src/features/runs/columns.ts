/** Metrics and parameters of many runs, as columns. */
import type { Value } from "../../lib/order";

interface Row {
  metrics: Readonly<Record<string, number | null>>;
  params: Readonly<Record<string, unknown>>;
}

const MOST = 300;
/** Shown without being chosen: the fewer, the more readable. */
const SHOWN = 4;

/** Names by how many rows have them, the most common first. Rows next to each other mostly have the same ones. */
function common(maps: readonly object[]): string[] {
  const counts = new Map<string, number>();
  let [alike, names]: [number, ReadonlySet<string>] = [0, new Set()];
  const count = () => names.forEach((name) => counts.set(name, (counts.get(name) ?? 0) + alike));
  for (const map of maps) {
    const found = Object.keys(map);
    if (found.length === names.size && found.every((name) => names.has(name))) alike += 1;
    else {
      count();
      [alike, names] = [1, new Set(found)];
    }
  }
  count();
  return [...counts]
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b, "en"))
    .slice(0, MOST)
    .map(([name]) => name);
}

const same = (a: unknown, b: unknown) => a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));

export interface Names {
  metrics: string[];
  params: string[];
  /** Those of `metrics` and `params` that are shown at first, as `metrics.NAME`. */
  shown: ReadonlySet<string>;
}

/** Which metrics and parameters the rows have. Test metrics are what one looks at first, and parameters that differ. */
export function namesOf(rows: readonly Row[]): Names {
  const metrics = common(rows.map((row) => row.metrics));
  const params = common(rows.map((row) => row.params));
  const tests = metrics.filter((name) => name.startsWith("test_") && name !== "test_loss");
  const differing = params.filter((name) => rows.some((row) => !same(row.params[name], rows[0]?.params[name])));
  return {
    metrics,
    params,
    shown: new Set([
      ...(tests.length > 0 ? tests : metrics).slice(0, SHOWN).map((name) => `metrics.${name}`),
      ...differing.slice(0, SHOWN).map((name) => `params.${name}`),
    ]),
  };
}

/** Null is a metric that is no number; one that was not measured is absent. */
export function metricOf(value: number | null | undefined): number | undefined {
  return value === null ? Number.NaN : value;
}

/** A parameter as a cell: numbers sort as numbers, everything else is text. */
export function plain(value: unknown): Value {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  return JSON.stringify(value);
}

export type Part = "train" | "validation" | "test";
export interface MetricRow {
  name: string;
  train?: number | undefined;
  validation?: number | undefined;
  test?: number | undefined;
  /** Of a metric that belongs to no part of the data. */
  other?: number | undefined;
}

/** Metrics by name, their parts of the data side by side. */
export function byPart(metrics: Readonly<Record<string, number | null>>): MetricRow[] {
  const rows = new Map<string, MetricRow>();
  for (const [key, value] of Object.entries(metrics)) {
    const [, part, rest] = /^(train|validation|test)_(.+)$/.exec(key) ?? [];
    const name = rest ?? key;
    const row = rows.get(name) ?? { name };
    row[(part as Part | undefined) ?? "other"] = metricOf(value);
    rows.set(name, row);
  }
  return [...rows.values()];
}

/** "train_loss" and "validation_loss" are drawn together, as "loss". */
export function curveGroup(key: string): string {
  return key.replace(/^(?:train|training|validation|val|test)_/, "");
}

/** Where an error of the filter is, as its message says ("At character 12 there is …"): from 0. */
export function placeInFilter(message: string): number | undefined {
  const [, at] = /\bcharacter (\d+)/i.exec(message) ?? [];
  return at === undefined ? undefined : Number(at) - 1;
}
