import { describe, expect, it } from "vitest";
import type { ColumnProfile } from "./api";
import { counts, distribution, rebinned, sideBySide } from "./profile";

function column(more: Partial<ColumnProfile>): ColumnProfile {
  return { name: "a", type: "number", nulls: 0, distinct: 1, quantiles: {}, histogram: [], top: [], ...more };
}

const numbers = column({
  histogram: [
    { low: 0, high: 1, count: 3 },
    { low: 1, high: 2, count: 1 },
  ],
});
const words = column({
  type: "string",
  top: [
    { value: "a", count: 3 },
    { value: "b", count: 1 },
  ],
});

describe("distribution", () => {
  it("is the histogram of numbers, or the most frequent values, as shares of all rows", () => {
    expect(counts(numbers)).toEqual([3, 1]);
    expect(distribution(numbers, 8, "v1")).toEqual({
      bins: ["0 – 1", "1 – 2"],
      of: [{ name: "v1", shares: [0.375, 0.125] }],
    });
    expect(distribution(words, 4, "v1")?.bins).toEqual(["a", "b"]);
  });

  it("has nothing to show of a column without values", () => {
    expect(distribution(column({}), 4, "v1")).toBeUndefined();
  });
});

describe("rebinned", () => {
  it("spreads each bar over the bins it lies in and loses nothing", () => {
    expect(rebinned([{ low: 0, high: 2, count: 4 }], [0, 1, 2, 3])).toEqual([2, 2, 0]);
  });

  it("keeps a bar without width, also at the very end", () => {
    expect(rebinned([{ low: 2, high: 2, count: 5 }], [0, 1, 2])).toEqual([0, 5]);
    expect(rebinned([{ low: 1, high: 1, count: 5 }], [0, 1, 2])).toEqual([0, 5]);
  });
});

describe("sideBySide", () => {
  it("puts both histograms on the same bins", () => {
    const later = column({ histogram: [{ low: 10, high: 20, count: 10 }] });
    const both = sideBySide([
      { name: "1", rows: 4, column: numbers },
      { name: "2", rows: 10, column: later },
    ]);
    expect(both?.bins).toHaveLength(2);
    expect(both?.of.map(({ shares }) => shares.reduce((sum, share) => sum + share, 0))).toEqual([
      expect.closeTo(1),
      expect.closeTo(1),
    ]);
    expect(both?.of[0]?.shares[1]).toBe(0);
    expect(both?.of[1]?.shares[0]).toBe(0);
  });

  it("shows values that one of them lacks as nothing", () => {
    const later = column({ type: "string", top: [{ value: "c", count: 2 }] });
    const both = sideBySide([
      { name: "1", rows: 4, column: words },
      { name: "2", rows: 2, column: later },
    ]);
    expect(both).toEqual({
      bins: ["a", "b", "c"],
      of: [
        { name: "1", shares: [0.75, 0.25, 0] },
        { name: "2", shares: [0, 0, 1] },
      ],
    });
  });

  it("says nothing of a column that has no values anywhere", () => {
    expect(
      sideBySide([
        { name: "1", rows: 0, column: undefined },
        { name: "2", rows: 0, column: column({}) },
      ]),
    ).toBeUndefined();
  });
});
