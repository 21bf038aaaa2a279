/** Reading a report: which checks come first, and what can be done about those that fail. */
import type { CheckResult, Report } from "./api";

const ORDER = { fail: 0, warn: 1, pass: 2 };

/** What is wrong first, each kind in the order of the suite. */
export function worstFirst(results: readonly CheckResult[]): CheckResult[] {
  return [...results].sort((a, b) => ORDER[a.verdict] - ORDER[b.verdict]);
}

/** Checks that look at single rows: those that fail them can be put aside. */
const ROW_CHECKS = new Set(["not_null", "in_range", "in_set", "unique", "expression"]);

export function canQuarantine(report: Report, warnings: boolean): boolean {
  return report.results.some(
    ({ check, verdict, failing_count }) =>
      ROW_CHECKS.has(check) && failing_count > 0 && (verdict === "fail" || (warnings && verdict === "warn")),
  );
}

/**
 * The columns that the check of this result is about: shown first in its failing rows. The nth result of a kind is that
 * of the nth check of that kind; Great Expectations alone gives several per check, and names its columns itself.
 */
export function columnsOfResult({ results, suite }: Report, result: CheckResult): string[] {
  const alike = results.filter(({ check }) => check === result.check);
  const checks = suite.checks.filter(({ check }) => check === result.check);
  if (alike.length !== checks.length) return [];
  const { column, columns, target } = checks[alike.indexOf(result)] as Record<string, unknown>;
  const named = [column, target].filter((one) => typeof one === "string");
  return Array.isArray(columns) ? [...named, ...(columns as string[])] : named;
}

export function verdictCounts(results: readonly CheckResult[]): Record<CheckResult["verdict"], number> {
  const count = (verdict: CheckResult["verdict"]) => results.filter((one) => one.verdict === verdict).length;
  return { fail: count("fail"), warn: count("warn"), pass: count("pass") };
}
