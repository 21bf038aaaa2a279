import { expect, test } from "vitest";
import { bars, heat, heatText } from "./shapes";

test("effects are multiples of their thresholds; broken and unknown stay apart", () => {
  const feature = {
    name: "temp",
    kind: "number" as const,
    psi: [0.1, 0.4, null, null],
    threshold: [0.2, 0.2, null, null],
    drifted: [1],
    broken: [3],
  };
  const [row = []] = heat({ features: [feature] });
  expect(row.slice(0, 3)).toEqual([0.5, 2, null]);
  expect(heatText(row[3] ?? 0)).toBe("broken");
  expect(heatText(2)).toBe("PSI 2 times its threshold");
});

test("open ends of a distribution are shown only when something lies there", () => {
  const found = bars({
    name: "temp",
    kind: "number",
    edges: [0, 1, 2],
    labels: [],
    reference: [0, 0.5, 0.5, 0],
    window: [0, 0.2, 0.3, 0.5],
  });
  expect(found).toEqual({
    names: ["0 – 1", "1 – 2", "above 2"],
    reference: [0.5, 0.5, 0],
    window: [0.2, 0.3, 0.5],
  });
  expect(
    bars({ name: "sky", kind: "category", edges: [], labels: ["clear"], reference: [1, 0], window: [1, 0] }).names,
  ).toEqual(["clear"]);
});
