import { expect, test } from "vitest";
import { isLong } from "./pages";

test("a list is long by its rows, in pages or out of them; anything else is not", () => {
  const page = { items: Array.from({ length: 200 }, () => ({})) };
  expect(isLong({ pages: [page] })).toBe(false);
  expect(isLong({ pages: Array.from({ length: 6 }, () => page) })).toBe(true);
  expect(isLong(Array.from({ length: 1_001 }))).toBe(true);
  expect([undefined, null, { name: "bikes" }, { pages: [{}] }].map(isLong)).toEqual([false, false, false, false]);
});
