import { describe, expect, it } from "vitest";
import type { CheckResult, Report } from "./api";
import { canQuarantine, columnsOfResult, verdictCounts, worstFirst } from "./report";

function result(more: Partial<CheckResult>): CheckResult {
  return {
    check: "in_range",
    name: "n",
    severity: "error",
    verdict: "pass",
    message: "m",
    failing_count: 0,
    failing_rows: [],
    ...more,
  };
}

const report = (...results: CheckResult[]) =>
  ({
    results,
    suite: { engine: "auto", checks: results.map(({ check }) => ({ check, column: "a", columns: ["b"] })) },
  }) as unknown as Report;

it("puts what is wrong first and keeps the order of the suite otherwise", () => {
  const names = worstFirst([
    result({ name: "1" }),
    result({ name: "2", verdict: "warn" }),
    result({ name: "3", verdict: "fail" }),
    result({ name: "4", verdict: "fail" }),
  ]).map(({ name }) => name);
  expect(names).toEqual(["3", "4", "2", "1"]);
});

it("counts verdicts", () => {
  expect(verdictCounts([result({}), result({ verdict: "fail" })])).toEqual({ fail: 1, warn: 0, pass: 1 });
});

describe("canQuarantine", () => {
  it.each([
    [result({ verdict: "fail", failing_count: 3 }), false, true],
    [result({ verdict: "warn", failing_count: 3 }), false, false],
    [result({ verdict: "warn", failing_count: 3 }), true, true],
    [result({ check: "row_count", verdict: "fail", failing_count: 3 }), true, false],
    [result({ verdict: "fail", failing_count: 0 }), true, false],
  ])("%#", (one, warnings, possible) => {
    expect(canQuarantine(report(one), warnings)).toBe(possible);
  });
});

it("knows the columns a check is about, whatever else was looked at", () => {
  const [readable, first, second] = [result({ check: "readable" }), result({}), result({})];
  const suite = {
    checks: [{ check: "row_count" }, { check: "in_range", column: "a" }, { check: "in_range", column: "b" }],
  };
  const whole = { results: [readable, result({ check: "row_count" }), first, second], suite } as unknown as Report;
  expect([readable, first, second].map((one) => columnsOfResult(whole, one))).toEqual([[], ["a"], ["b"]]);
});

it("knows no columns where a check has several results", () => {
  const one = result({ check: "great_expectations" });
  const whole = {
    results: [one, result({ check: "great_expectations" })],
    suite: { checks: [{ check: "great_expectations" }] },
  };
  expect(columnsOfResult(whole as unknown as Report, one)).toEqual([]);
});
