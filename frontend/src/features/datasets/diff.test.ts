import { expect, it } from "vitest";
import { changedPairs, movedLabel } from "./diff";

it.each([
  [0.3, "a lot"],
  [0.2, "somewhat"],
  [0.01, "hardly"],
  [null, "–"],
  [Number.NaN, "–"],
])("a PSI of %s is %s", (psi, label) => {
  expect(movedLabel(psi)).toBe(label);
});

it("shows a changed row as its key and what became what", () => {
  const changed = [{ key: { id: 1 }, before: { a: 2, b: null }, after: { a: 3, b: "x" } }];
  expect(changedPairs({ changed })).toEqual([{ id: 1, a: "2 → 3", b: "– → x" }]);
});
