import { describe, expect, test } from "vitest";
import { finder, ordered } from "./order";

const names = (rows: readonly { v: unknown }[]) => rows.map(({ v }) => v);
const rowsOf = <V>(...values: V[]) => values.map((v) => ({ v }));

describe("ordered", () => {
  test("numbers are ordered by size, infinities at the ends, NaN and nothing last both ways", () => {
    const rows = rowsOf(10, NaN, -Infinity, 9, undefined, Infinity, null, 0.5);
    expect(names(ordered(rows, ({ v }) => v, false))).toEqual([-Infinity, 0.5, 9, 10, Infinity, NaN, undefined, null]);
    expect(names(ordered(rows, ({ v }) => v, true))).toEqual([Infinity, 10, 9, 0.5, -Infinity, NaN, undefined, null]);
  });

  test("texts are ordered as people order names", () => {
    const rows = rowsOf("part-10", "Part-9", "älter", "b", "part-09");
    expect(names(ordered(rows, ({ v }) => v, false))).toEqual(["älter", "b", "Part-9", "part-09", "part-10"]);
  });

  test("equal rows keep their order", () => {
    const rows = [1, 2, 3].map((id) => ({ id, v: "same" }));
    expect(ordered(rows, ({ v }) => v, true).map(({ id }) => id)).toEqual([1, 2, 3]);
  });
});

test("a text is found in any value, whatever the case, and never across two", () => {
  const rows = [
    { a: "Linear", b: 12 },
    { a: "forest", b: NaN },
  ];
  const find = finder<(typeof rows)[number]>([({ a }) => a, ({ b }) => b]);
  expect(find(rows, "LIN")).toEqual([rows[0]]);
  expect(find(rows, "12")).toEqual([rows[0]]);
  expect(find(rows, "r12")).toEqual([]);
  expect(find(rows, "nan")).toEqual([]);
  expect(find(rows, "")).toBe(rows);
});
