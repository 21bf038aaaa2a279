/** What a kind of check tells beside its figure, as plain values to be drawn. Pure. */
import { end } from "../../lib/bounds";
import type { CheckResult } from "./api";

type Details = CheckResult["details"];

interface Estimate {
  name: string;
  estimate: number;
  low: number | null;
  high: number | null;
}

const list = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value)
    ? value.filter((one): one is Record<string, unknown> => typeof one === "object" && one !== null)
    : [];
const figure = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const word = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? null));

/** Losses by step, of trainers that learn in steps. */
export function curveOf({ curve }: Details) {
  const steps = list(curve);
  const of = (name: string) => steps.map((one): [number, number | null] => [figure(one.step) ?? 0, figure(one[name])]);
  return steps.length < 2 ? undefined : { train: of("train_loss"), validation: of("validation_loss") };
}

/** Predicted and observed shares by bin. */
export function reliabilityOf({ reliability }: Details) {
  const bins = list(reliability).flatMap(({ predicted, observed }) => {
    const [x, y] = [figure(predicted), figure(observed)];
    return x === null || y === null ? [] : [[x, y] as [number, number]];
  });
  return bins.length < 2 ? undefined : bins.toSorted(([one], [other]) => one - other);
}

/** Shares of truth and answers by label, or by twentieth of the truth. */
export function sharesOf({ shares }: Details) {
  const all = list(shares).map(({ value, truth, answers }) => ({
    value: word(value),
    truth: figure(truth) ?? 0,
    answers: figure(answers) ?? 0,
  }));
  return all.length === 0 ? undefined : all;
}

/** Rates of each group, one list for each rate that the definition compares. */
export function ratesOf({ rates }: Details): { rate: string; groups: Estimate[] }[] {
  if (typeof rates !== "object" || rates === null) return [];
  return Object.entries(rates).map(([rate, groups]) => ({ rate, groups: estimates(list(groups), "group", "value") }));
}

/** What shuffling each column destroys of the skill, the most first. */
export function columnsOf({ columns }: Details): Estimate[] {
  return estimates(list(columns), "column", "share");
}

function estimates(rows: readonly Record<string, unknown>[], name: string, value: string): Estimate[] {
  return rows.flatMap((row) => {
    const estimate = figure(row[value]);
    return estimate === null
      ? []
      : [{ name: word(row[name]), estimate, low: end(figure(row.low)), high: end(figure(row.high)) }];
  });
}
