import { expect, it } from "vitest";
import { promotion } from "./fixture";
import { policyText } from "./policy";

it("writes a policy without what is as it would be anyway", () => {
  const { policy } = promotion({
    gates: [
      { gate: "metric", name: null, severity: "error", where: null, metric: "mae", min: null, max: 40 },
      { gate: "fairness", severity: "warn", by: "sex", definition: "metric_parity" },
      {
        gate: "champion",
        severity: "error",
        metric: "mae",
        alpha: 0.05,
        require: "superiority",
        min_effect: 0.02,
        slices: [],
      },
    ],
  });
  expect(policyText(policy)).toBe(`gates:
  - {gate: metric, metric: mae, max: 40}
  - {gate: fairness, severity: warn, by: sex, definition: metric_parity}
  - {gate: champion, metric: mae, min_effect: 0.02}
approval: automatic
`);
});
