import { expect, test } from "vitest";
import { axesOf, isNumeric, parallelAxes, pointsOf } from "./compare";

const axes = axesOf({
  params: { "params.depth": [3, 4, null], trainer: ["linear", "random_forest", "linear"] },
  metrics: { test_mae: [1, null, 3], train_mae: [1, 2, 3] },
});

test("parameters and metrics become axes", () => {
  expect(axes.map(({ id }) => id)).toEqual([
    "params.params.depth",
    "params.trainer",
    "metrics.test_mae",
    "metrics.train_mae",
  ]);
  expect(axes.filter(isNumeric).map(({ name }) => name)).toEqual(["depth", "test_mae", "train_mae"]);
  expect(parallelAxes(axes).map(({ name }) => name)).toEqual(["depth", "trainer", "test_mae"]);
});

test("a run without one of the two numbers is no point", () => {
  const [depth, , mae] = axes;
  if (!depth || !mae) throw new Error("no axes");
  expect(pointsOf(["a", "b", "c"], depth, mae)).toEqual([{ name: "a", x: 3, y: 1 }]);
});
