/** What a person types to order a comparison, and its cells in groups. Pure. */
import type { Asked, Result } from "./api";

const lines = (text: string, at: RegExp) =>
  text
    .split(at)
    .map((one) => one.trim())
    .filter(Boolean);

/** Undefined while something is missing; `2` is a version of this model, `rides@1` one of another. */
export function askedOf(versions: string, datasets: string, where: string, metric: string): Asked | undefined {
  const [some, data] = [lines(versions, /,/), lines(datasets, /,/)];
  if (some.length === 0 || data.length === 0) return undefined;
  return {
    versions: some.map((one) => (/^\d+$/.test(one) ? Number(one) : one)),
    datasets: data,
    where: lines(where, /\n/),
    metric: metric.trim() || null,
  };
}

export interface Group {
  name: string;
  cells: Result["cells"];
  pairs: Result["pairs"];
}

/** One group for each subset of each dataset, in the order of the result. */
export function groupsOf({ cells, pairs }: Result): Group[] {
  const name = ({ dataset, where }: { dataset: string; where: string | null }) =>
    where === null ? dataset : `${dataset} where ${where}`;
  return [...new Set(cells.map(name))].map((group) => ({
    name: group,
    cells: cells.filter((cell) => name(cell) === group),
    pairs: pairs.filter((pair) => name(pair) === group),
  }));
}
