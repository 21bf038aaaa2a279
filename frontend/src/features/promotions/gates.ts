/** A decision gate by gate: each verdict with the evidence it rests on, and what would change it. Pure. */
import { asked, end } from "../../lib/bounds";
import { number, percent } from "../../lib/numbers";
import { plural, words } from "../../lib/text";
import type { Comparison, Promotion } from "./api";

type Evidence = NonNullable<Promotion["evidence"]>;
type GateVerdict = NonNullable<Promotion["decision"]>["gates"][number];
type PolicyGate = Promotion["policy"]["gates"][number];
export type CheckResult = Evidence["checks"][number];
export type SuiteReport = Evidence["suites"][number];
export type SliceComparison = Comparison["slices"][number];

export interface Gate {
  /** Its place in the decision. */
  place: number;
  name: string;
  kind: string;
  /** As decided; "warn" is a check that failed and only warns. */
  verdict: string;
  message: string;
  check?: CheckResult | undefined;
  suite?: SuiteReport | undefined;
  comparison?: Comparison | undefined;
  /** What to do next; empty where nothing needs to be done. */
  next: string[];
}

/** Those that refuse first, then those that warn, then the others in the order of the policy. */
export function gatesOf({ policy, evidence, decision }: Promotion): Gate[] {
  const checks = (evidence?.checks ?? []).values();
  const rows = (decision?.gates ?? []).map((verdict, place): Gate => {
    const written: PolicyGate | undefined = policy.gates[place];
    const kind = written?.gate ?? verdict.gate;
    const known = evidence ? evidenceFor(kind, verdict, checks, evidence) : {};
    return {
      place,
      kind,
      name: nameOf(verdict.gate, written),
      verdict: verdict.details.warned ? "warn" : verdict.verdict,
      message: verdict.message,
      ...known,
      next: verdict.verdict === "pass" ? [] : nextSteps(kind, verdict, known, evidence),
    };
  });
  return rows.toSorted((one, other) => weight(one) - weight(other) || one.place - other.place);
}

const ORDER = ["fail", "inconclusive", "warn", "pass"];
const weight = ({ verdict }: Gate) => ORDER.indexOf(verdict);

/** Whether the gate kept the version from becoming champion. */
export const refuses = ({ verdict }: Gate) => verdict === "fail" || verdict === "inconclusive";

function nameOf(gate: string, written: PolicyGate | undefined): string {
  const own = written && "name" in written ? written.name : null;
  if (own) return own;
  if (written?.gate === "metric") return `metric ${written.metric}`;
  if (written?.gate === "fairness") return `fairness by ${written.by}: ${words(written.definition)}`;
  return gate.startsWith("behaviour:") ? `behaviour: ${gate.slice("behaviour:".length)}` : words(gate);
}

type Known = Pick<Gate, "check" | "suite" | "comparison">;

function evidenceFor(kind: string, verdict: GateVerdict, checks: Iterator<CheckResult>, evidence: Evidence): Known {
  if (kind === "champion") return { comparison: evidence.comparison ?? undefined };
  if (kind === "behaviour") {
    const name = verdict.gate.replace(/^behaviour:/, "");
    return { suite: evidence.suites.find(({ suite }) => suite === name) };
  }
  if (kind === "pinned") return { check: evidence.pins ?? undefined };
  return { check: checks.next().value as CheckResult | undefined };
}

const ADVICE: Record<string, string> = {
  metric: "Train a better candidate; the rows that it gets most wrong are below.",
  overfit: "Simplify the model, regularise it, or stop earlier: the run's curves show where the two losses part.",
  target_distribution:
    "Compare the shares of answers and truth under Model checks: the model says one label too often.",
  slices: "Look at the worst slice: more rows of it, or inputs that tell it apart.",
  weak_slices: "Look at the worst slice: more rows of it, or inputs that tell it apart.",
  calibration: "Calibrate the probabilities, or train with a proper score; the reliability is under Model checks.",
  leakage: "Ask when the column is filled in. If that is after the fact, take it out of the features.",
  unused_features: "Take the named inputs out of the training spec: they move nothing.",
  fairness: "Look at the rates per group under Model checks. More data of the smaller group, or another decision rule.",
  latency: "Make the model smaller, or ask for less: the bound is in the policy.",
  memory: "Make the model smaller, or ask for less: the bound is in the policy.",
  serving_parity: "The package answers otherwise than the trained model: see the rows under Model checks.",
  pinned: "Answer the pinned rows rightly, or take a wrong pin back with its reason.",
};

function nextSteps(kind: string, verdict: GateVerdict, known: Known, evidence: Evidence | null): string[] {
  if (evidence && evidence.unchecked.length > 0 && kind !== "champion")
    return ["Run the checks of the version again, then ask again."];
  if (kind === "champion") return evidence ? nextOfComparison(evidence) : [];
  if (kind === "behaviour") return nextOfSuite(known.suite);
  const { check } = known;
  if (!check) return ["Run the checks of the version, then ask again."];
  if (verdict.verdict === "inconclusive")
    return [
      check.rows === null || check.rows === undefined
        ? "Bring what the message names, then run the checks again."
        : `More evaluation rows would settle it: these were ${plural(check.rows, "row")}.`,
    ];
  const short = shortfall(check);
  return [...(short ? [short] : []), ADVICE[kind] ?? "The failing rows are below."];
}

/** "0.0063 above what is asked (at most 0.33)". */
export function shortfall({ gate, value, threshold }: CheckResult): string | undefined {
  const limit = asked(gate, threshold, number);
  const edge = Number(/-?[\d.]+(?:e[+-]?\d+)?/.exec(limit ?? "")?.[0]);
  if (value === null || value === undefined || !Number.isFinite(edge) || !limit || limit.includes(","))
    return undefined;
  const apart = Math.abs(value - edge);
  return `${number(value)} is ${number(apart)} ${value > edge ? "above" : "below"} ${number(edge)}; asked is ${limit}.`;
}

function nextOfSuite(suite: SuiteReport | undefined): string[] {
  if (!suite) return ["Run the checks of the version, then ask again."];
  const failing = suite.results.filter(({ severity, verdict }) => severity === "error" && verdict !== "pass");
  return [`Failing: ${failing.map(({ name, gate }) => name || words(gate)).join(", ")}. Each has examples below.`];
}

/** The bar that the improvement must clear: the minimum effect, or minus the margin. */
export function barOf({ hypothesis, min_effect, margin }: Comparison): number {
  return hypothesis === "superiority" ? min_effect : -margin;
}

/** How much worse a slice may be; undefined where the policy judges none. */
export function sliceMarginOf({ policy }: Promotion): number | undefined {
  const gate = policy.gates.find((one) => one.gate === "champion");
  return gate?.slice_margin ?? undefined;
}

/** The verdict on all rows alone, as the server comes to it; slices are judged beside. */
export function overallVerdict(comparison: Comparison): "pass" | "fail" | "inconclusive" {
  const { p_value, alpha, low, high, effect, hypothesis } = comparison;
  const bar = barOf(comparison);
  if (p_value <= alpha && low > bar) return "pass";
  return high < bar || (hypothesis === "superiority" && effect <= 0) ? "fail" : "inconclusive";
}

function nextOfComparison({ comparison, missing, alpha }: Evidence): string[] {
  if (alpha?.share === null)
    return ["The alpha of these rows is spent. Bring a fresh holdout (`on` in the policy names it), then ask again."];
  if (!comparison) return missing.length > 0 ? ["Bring what is missing, then ask again."] : ["Ask again."];
  const steps: string[] = [];
  const overall = overallVerdict(comparison);
  const { effect, rows, rows_needed, detectable_effect } = comparison;
  if (overall === "fail") {
    const wanted = barOf(comparison);
    const bar = wanted < 0 ? `at most ${percent(-wanted)} worse` : `at least ${percent(wanted)} better`;
    steps.push(
      `Train another candidate: this one is ${signed(effect)} against the champion, asked is ${bar}. More rows would not change that.`,
    );
  }
  if (overall === "inconclusive") {
    steps.push(
      rows_needed
        ? `Bring about ${number(Math.max(rows_needed - rows, 0))} more frozen rows: about ${number(rows_needed)} would tell, these were ${number(rows)}.`
        : "So many rows cannot tell, and how many would is not known: bring clearly more, or a clearly better candidate.",
    );
    if (detectable_effect) steps.push(`These rows tell an effect of ${percent(detectable_effect)} or more.`);
  }
  return [...steps, ...nextOfSlices(comparison)];
}

/** Slices that are named in a sentence; the table has all. */
const NAMED = 3;

function nextOfSlices({ slices }: Comparison): string[] {
  const named = (verdict: string) => slices.filter((slice) => slice.judged && slice.verdict === verdict);
  const [worse, open] = [named("fail"), named("inconclusive")];
  const list = (some: readonly SliceComparison[]) => {
    const worst = some.toSorted((one, other) => (one.effect ?? 0) - (other.effect ?? 0)).slice(0, NAMED);
    const told = worst.map(({ label, effect, rows }) => `${label} (${signed(effect)} on ${number(rows)} rows)`);
    return [...told, ...(some.length > NAMED ? [`and ${some.length - NAMED} more`] : [])].join(", ");
  };
  return [
    ...(worse.length > 0 ? [`Worse where it may not be: ${list(worse)}. Look at these rows under Eyeballing.`] : []),
    ...(open.length > 0 ? [`Bring more rows of: ${list(open)}. So few cannot tell.`] : []),
  ];
}

/** "+3.2 %", "-0.4 %". */
export function signed(share: number | null | undefined): string {
  if (share === null || share === undefined) return "–";
  if (end(share) === null) return "no bound";
  return `${share > 0 ? "+" : ""}${percent(share)}`;
}
