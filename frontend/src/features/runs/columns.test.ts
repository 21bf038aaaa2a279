import { expect, test } from "vitest";
import { byPart, curveGroup, namesOf, placeInFilter, plain } from "./columns";

test("test metrics and parameters that differ are shown first", () => {
  const { metrics, params, shown } = namesOf([
    { metrics: { train_mae: 1, test_mae: 2 }, params: { depth: 3, rate: 1 } },
    { metrics: { test_mae: null }, params: { depth: 4, rate: 1 } },
  ]);
  expect(metrics).toEqual(["test_mae", "train_mae"]);
  expect(params).toEqual(["depth", "rate"]);
  expect([...shown]).toEqual(["metrics.test_mae", "params.depth"]);
});

test("parts of the data stand beside each other, and no number stays NaN", () => {
  const rows = byPart({ train_mae: 1, validation_mae: 2, test_mae: null, epochs: 7 });
  expect(rows).toEqual([
    { name: "mae", train: 1, validation: 2, test: Number.NaN },
    { name: "epochs", other: 7 },
  ]);
});

test("small things", () => {
  expect(plain([1, 2])).toBe("[1,2]");
  expect(plain(null)).toBeUndefined();
  expect(curveGroup("validation_loss")).toBe("loss");
  expect(placeInFilter("At character 12 there is ')'; expected a value.")).toBe(11);
  expect(placeInFilter("Too long.")).toBeUndefined();
});
