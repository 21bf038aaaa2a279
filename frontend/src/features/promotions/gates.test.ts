import { describe, expect, it } from "vitest";
import { check, comparison, promotion, slice } from "./fixture";
import { gatesOf, overallVerdict, signed } from "./gates";

const CHAMPION = { gate: "champion", metric: "log_loss", slice_margin: 0.05 };

describe("the gates of a decision", () => {
  it("come with what they rest on, those that refuse first", () => {
    const gates = gatesOf(
      promotion({
        gates: [{ gate: "metric", metric: "auc" }, CHAMPION, { gate: "overfit", name: "no overfit" }],
        verdicts: [
          { gate: "metric", verdict: "pass" },
          { gate: "champion", verdict: "inconclusive" },
          { gate: "overfit", verdict: "fail" },
        ],
        evidence: {
          checks: [check({ value: 0.9 }), check({ gate: "overfit", value: 1.5, threshold: 1.2 })],
          comparison: comparison(),
        },
      }),
    );
    expect(gates.map(({ name }) => name)).toEqual(["no overfit", "champion", "metric auc"]);
    expect(gates.map((gate) => gate.check?.value)).toEqual([1.5, undefined, 0.9]);
    expect(gates[1]?.comparison?.metric).toBe("log_loss");
    expect(gates[0]?.next[0]).toBe("1.5 is 0.3 above 1.2; asked is at most 1.2.");
  });

  it("tell a warning from a pass, and do not let it refuse", () => {
    const [gate] = gatesOf(
      promotion({
        gates: [{ gate: "weak_slices" }],
        verdicts: [{ gate: "weak_slices", verdict: "pass", details: { warned: "fail" } }],
      }),
    );
    expect([gate?.verdict, gate?.next]).toEqual(["warn", []]);
  });

  it("have the pinned mistakes too, which no policy names", () => {
    const [gate] = gatesOf(
      promotion({
        verdicts: [{ gate: "pinned", verdict: "fail" }],
        evidence: { pins: check({ gate: "pinned", value: 0.5, threshold: 1 }) },
      }),
    );
    expect(gate?.next[0]).toBe("0.5 is 0.5 below 1; asked is at least 1.");
  });
});

const next = (evidence: Parameters<typeof promotion>[0]["evidence"], verdict: "fail" | "inconclusive") =>
  gatesOf(
    promotion({ gates: [CHAMPION], verdicts: [{ gate: "champion", verdict }], ...(evidence ? { evidence } : {}) }),
  )[0]?.next.join(" ");

describe("what to do next", () => {
  it("is to bring so many more rows when these cannot tell", () => {
    const open = comparison({ effect: 0.02, low: -0.01, high: 0.05, p_value: 0.2, rows_needed: 4000 });
    expect(next({ comparison: open }, "inconclusive")).toContain("about 3,000 more frozen rows");
  });

  it("is another candidate when this one is shown not to be better", () => {
    const worse = comparison({ effect: -0.115, low: -0.15, high: -0.08, p_value: 1 });
    expect(next({ comparison: worse }, "fail")).toContain("this one is -11.5 % against the champion");
  });

  it("names slices that are worse, and those with too few rows", () => {
    const slices = [
      slice({ label: "a", verdict: "fail", effect: -0.2 }),
      ...["b", "c", "d", "e"].map((label, at) =>
        slice({ label, verdict: "inconclusive", effect: -at / 100, rows: 40 }),
      ),
      slice({ label: "small", verdict: "inconclusive", judged: false }),
    ];
    const said = next({ comparison: comparison({ slices }) }, "fail");
    expect(said).toContain("Worse where it may not be: a (-20.0 % on 200 rows)");
    expect(said).toContain("Bring more rows of: e (-3.0 % on 40 rows), d");
    expect(said).toContain("and 1 more");
    expect(said).not.toContain("small");
  });

  it("is a fresh holdout when the alpha of these rows is spent", () => {
    const alpha = {
      rule: "bonferroni",
      alpha: 0.05,
      share: null,
      number: 21,
      window: 20,
      left: 0,
      holdout: "h",
      message: "",
    } as const;
    expect(next({ alpha }, "inconclusive")).toContain("fresh holdout");
  });
});

describe("the verdict on all rows", () => {
  it("is that of the server: the bound against the bar, at the alpha that was paid", () => {
    expect(overallVerdict(comparison())).toBe("pass");
    expect(overallVerdict(comparison({ p_value: 0.01 }))).toBe("inconclusive");
    expect(overallVerdict(comparison({ effect: -0.01, low: -0.05, high: 0.03, p_value: 1 }))).toBe("fail");
    const allowed = comparison({ hypothesis: "non_inferiority", margin: 0.02, effect: -0.005, low: -0.01, high: 0 });
    expect(overallVerdict(allowed)).toBe("pass");
  });
});

it("writes an effect with its sign, and one without end as such", () => {
  expect([signed(0.032), signed(-0.004), signed(1e6), signed(null)]).toEqual(["+3.2 %", "-0.4 %", "no bound", "–"]);
});
