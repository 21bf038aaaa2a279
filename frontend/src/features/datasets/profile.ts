/** What the pictures of a column show, taken from its profile. */
import { binNames, type Distribution } from "../../components/charts/Histogram";
import type { ColumnProfile } from "./api";

/** Counts per bar, of numbers or of the most frequent values. */
export function counts({ histogram, top }: ColumnProfile): number[] {
  return histogram.length > 0 ? histogram.map(({ count }) => count) : top.map(({ count }) => count);
}

/** Names of the bars and their shares of all rows; undefined for a column that has no picture. */
export function distribution(column: ColumnProfile, rows: number, name: string) {
  const all = counts(column);
  if (all.length === 0) return undefined;
  const edges = column.histogram.map(({ low }) => low);
  const last = column.histogram.at(-1);
  const bins = last ? binNames([...edges, last.high]) : column.top.map(({ value }) => value);
  const of: Distribution[] = [{ name, shares: all.map((count) => (rows ? count / rows : 0)) }];
  return { bins, of };
}

/** Shares of rows that are in the half-open bins between `edges`, from a histogram with other bins (spread evenly). */
export function rebinned(histogram: ColumnProfile["histogram"], edges: readonly number[]): number[] {
  return edges.slice(1).map((high, index) => {
    const low = edges[index] ?? high;
    return histogram.reduce((sum, bin) => {
      const width = bin.high - bin.low;
      if (width <= 0) return sum + (bin.low >= low && (bin.low < high || index === edges.length - 2) ? bin.count : 0);
      const shared = Math.min(high, bin.high) - Math.max(low, bin.low);
      return sum + (shared > 0 ? (bin.count * shared) / width : 0);
    }, 0);
  });
}

interface Side {
  name: string;
  rows: number;
  column: ColumnProfile | undefined;
}

const MOST_BINS = 40;
const MOST_VALUES = 15;

/** One column in two versions on the same bars. Undefined when neither has a picture, or they cannot share one. */
export function sideBySide(sides: readonly [Side, Side]) {
  const [a, b] = [sides[0].column, sides[1].column];
  const share = (side: Side, values: number[]) => values.map((count) => (side.rows ? count / side.rows : 0));
  const histograms = sides.map(({ column }) => column?.histogram ?? []);
  if (histograms.some((one) => one.length > 0) && !sides.some(({ column }) => column && column.top.length > 0)) {
    const bins = histograms.flat();
    const low = Math.min(...bins.map((bin) => bin.low));
    const high = Math.max(...bins.map((bin) => bin.high));
    // Whole numbers with few values have few bars: more would show gaps that are not in the data.
    const count = low === high ? 1 : Math.min(Math.max(...histograms.map((one) => one.length)), MOST_BINS);
    const edges = Array.from({ length: count + 1 }, (_, index) => low + ((high - low) * index) / count);
    return {
      bins: binNames(edges),
      of: sides.map((side, index) => ({
        name: side.name,
        shares: share(side, rebinned(histograms[index] ?? [], edges)),
      })),
    };
  }
  const values = [...new Set([...(a?.top ?? []), ...(b?.top ?? [])].map(({ value }) => value))].slice(0, MOST_VALUES);
  if (values.length === 0) return undefined;
  const countOf = (column: ColumnProfile | undefined, value: string) =>
    column?.top.find((one) => one.value === value)?.count ?? 0;
  return {
    bins: values,
    of: sides.map((side) => ({
      name: side.name,
      shares: share(
        side,
        values.map((value) => countOf(side.column, value)),
      ),
    })),
  };
}
