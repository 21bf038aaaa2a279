import { expect, it } from "vitest";
import { suiteText } from "./text";

it("writes a suite as short as it can be said, each check on its line", () => {
  const suite = {
    engine: "auto",
    checks: [
      { severity: "error", name: null, check: "not_null", columns: ["a"], max_share: 0 },
      { severity: "warn", name: "few", check: "row_count", min: 5, max: null },
    ],
  } as never;
  expect(suiteText(suite)).toBe(
    "checks:\n  - {check: not_null, columns: [a]}\n  - {check: row_count, severity: warn, name: few, min: 5}\n",
  );
});

it("keeps an engine that was chosen", () => {
  expect(suiteText({ engine: "spark", checks: [] } as never)).toBe("engine: spark\nchecks: []\n");
});
