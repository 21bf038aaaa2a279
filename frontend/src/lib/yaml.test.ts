import { describe, expect, it } from "vitest";
import { brief, addToList, lineOf, toYaml, withoutDefaults } from "./yaml";

describe("toYaml", () => {
  it("writes the entries of a list one per line, each as short as it can be", () => {
    const suite = {
      engine: "auto",
      checks: [
        { check: "unique", columns: ["id", "day"] },
        { check: "row_count", min: 5 },
      ],
    };
    expect(toYaml(suite)).toBe(
      "engine: auto\nchecks:\n  - {check: unique, columns: [id, day]}\n  - {check: row_count, min: 5}\n",
    );
  });

  it("breaks what is too long for a line", () => {
    const columns = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`column_${n}`, "integer"]));
    const lines = toYaml({ checks: [{ check: "schema", columns }] }).split("\n");
    expect(lines.slice(0, 4)).toEqual(["checks:", "  - check: schema", "    columns:", "      column_0: integer"]);
  });

  it.each([
    ["true", '"true"'],
    ["No", '"No"'],
    ["1.5", '"1.5"'],
    ["2011-01-01", '"2011-01-01"'],
    ["a: b", '"a: b"'],
    ["a # b", '"a # b"'],
    ["", '""'],
    ["{x", '"{x"'],
    ["a, b", '"a, b"'],
    ["no show", "no show"],
    [1e-7, "1.0e-7"],
    [1e21, "1.0e+21"],
    [-0.5, "-0.5"],
    [null, "null"],
    [false, "false"],
  ])("writes %j as %s", (value, text) => {
    expect(toYaml({ a: value })).toBe(`a: ${text}\n`);
  });

  it("writes nothing as what it is", () => {
    expect(toYaml({ checks: [], more: {} })).toBe("checks: []\nmore: {}\n");
    expect(toYaml({})).toBe("{}\n");
  });
});

describe("withoutDefaults", () => {
  it("leaves out null and what goes without saying, and nothing inside a value", () => {
    const step = { severity: "error", name: null, step: "replace", values: { Yes: null, severity: "error" } };
    expect(withoutDefaults(step, { severity: "error" })).toEqual({
      step: "replace",
      values: { Yes: null, severity: "error" },
    });
  });
});

describe("lineOf", () => {
  const text = [
    "# what every version must pass",
    "engine: auto",
    "checks:",
    "  - {check: unique, columns: [id]}",
    "",
    "  - check: in_range",
    "    column: age",
    "    min: 0",
    "  - check: schema",
    "    columns:",
    "      age: integr",
  ].join("\n");

  it.each([
    ["line 7, column 3", 7],
    ["body.engine", 2],
    ["body.checks", 3],
    ["body.checks.0", 4],
    ["body.checks.0.columns", 4],
    ["body.checks.1", 6],
    ["body.checks.1.check", 6],
    ["body.checks.1.min", 8],
    ["body.checks.1.mx", 6],
    ["body.checks.2.columns.age", 11],
    ["body.checks.9", 3],
    ["body", undefined],
    [undefined, undefined],
  ])("%s is on line %s", (where, line) => {
    expect(lineOf(text, where)).toBe(line);
  });

  it("follows a list that stands no deeper than its key", () => {
    expect(lineOf("steps:\n- {step: a}\n- step: b\n  column: c\nwhere: x\n", "body.steps.1.column")).toBe(4);
    expect(lineOf("steps:\n- {step: a}\nwhere: x\n", "body.where")).toBe(3);
  });
});

describe("addToList", () => {
  const entry = { check: "row_count", min: 1 };
  it.each([
    ["checks: []\n", "checks:\n  - {check: row_count, min: 1}\n"],
    ["", "checks:\n  - {check: row_count, min: 1}\n"],
    ["checks:\n- {check: unique}\n", "checks:\n- {check: unique}\n- {check: row_count, min: 1}\n"],
    [
      "checks:\n  - {check: unique} # mine\nengine: polars\n",
      "checks:\n  - {check: unique} # mine\n  - {check: row_count, min: 1}\nengine: polars\n",
    ],
    ["engine: spark\n", "engine: spark\nchecks:\n  - {check: row_count, min: 1}\n"],
  ])("%j becomes %j", (text, expected) => {
    expect(addToList(text, "checks", [entry])).toBe(expected);
  });
});

describe("brief", () => {
  it("leaves out what is null or empty at any depth, and keeps false, zero and empty text", () => {
    const spec = { a: null, b: [], c: {}, d: { e: null, f: [{ g: null, h: 0 }], i: false, j: "" } };
    expect(brief(spec)).toEqual({ d: { f: [{ h: 0 }], i: false, j: "" } });
  });
});
