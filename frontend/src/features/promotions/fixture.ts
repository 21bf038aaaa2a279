/** A decision for tests: what they do not say is as a first, passing one has it. */
import type { Comparison, Promotion } from "./api";
import type { CheckResult, SliceComparison } from "./gates";

type Gates = Promotion["policy"]["gates"];

export function comparison(said: Partial<Comparison> = {}): Comparison {
  return {
    metric: "log_loss",
    higher_is_better: false,
    rows: 1000,
    rows_excluded: 0,
    champion_value: 0.3,
    challenger_value: 0.27,
    effect: 0.1,
    low: 0.05,
    high: 0.15,
    p_value: 0.001,
    alpha: 0.0025,
    min_effect: 0.01,
    rows_needed: null,
    method: "paired bootstrap",
    test: "bootstrap",
    hypothesis: "superiority",
    margin: 0,
    power: 0.9,
    detectable_effect: 0.05,
    slices: [],
    ...said,
  };
}

export function slice(said: Partial<SliceComparison>): SliceComparison {
  return { label: "sex = Female", rows: 200, judged: true, verdict: "pass", message: "no worse", ...said };
}

export function check(said: Partial<CheckResult>): CheckResult {
  return {
    gate: "metric",
    name: "",
    severity: "error",
    verdict: "pass",
    vacuous: false,
    message: "",
    cached: false,
    slices: [],
    examples: [],
    details: {},
    ...said,
  };
}

interface Told {
  gates?: object[];
  verdicts?: { gate: string; verdict: "pass" | "fail" | "inconclusive"; message?: string; details?: object }[];
  evidence?: Partial<NonNullable<Promotion["evidence"]>>;
}

export function promotion(
  { gates = [], verdicts = [], evidence = {} }: Told,
  said: Partial<Promotion> = {},
): Promotion {
  const decided = verdicts.map((one) => ({ message: "", details: {}, ...one })) as NonNullable<
    Promotion["decision"]
  >["gates"];
  const worst = (["fail", "inconclusive"] as const).find((of) => decided.some(({ verdict }) => verdict === of));
  return {
    id: "01a216a1-e3c1-7396-a927-70461b5bfaf6",
    model: "income",
    version: 3,
    champion_version: 1,
    state: worst === "fail" ? "failed" : (worst ?? "passed"),
    reason: "",
    policy: { gates: gates as Gates, approval: "automatic" },
    policy_version: 2,
    evidence: {
      policy_version: 2,
      policy_digest: "",
      candidate_version: 3,
      champion_version: 1,
      task: "classification",
      target: "income",
      seed: 0,
      millrace: "",
      check_report_id: null,
      checks: [],
      suites: [],
      pin_ids: [],
      frozen_rows: null,
      excluded: [],
      comparison: null,
      missing: [],
      unchecked: [],
      ...evidence,
    },
    decision: { verdict: worst ?? "pass", gates: decided, reason: "" },
    job_id: "01a216a1-e3c1-7396-a927-70461b5bfaf7",
    requested_by: "ann",
    requested_at: "2026-11-26T06:00:00Z",
    decided_at: "2026-11-26T06:00:01Z",
    approver: null,
    approved_at: null,
    overridden: false,
    overridden_by: null,
    overridden_at: null,
    override_reason: null,
    record_digest: null,
    applied_at: null,
    ...said,
  };
}
