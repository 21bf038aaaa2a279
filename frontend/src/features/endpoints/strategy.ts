/** How a version takes over, between the form and the API. */
import type { EndpointRead } from "./api";

export type Strategy = EndpointRead["strategy"];
export type StrategyName = Strategy["strategy"];

export const STRATEGIES: { value: StrategyName; label: string }[] = [
  { value: "blue_green", label: "Blue-green: all at once" },
  { value: "canary", label: "Canary: a growing share" },
  { value: "shadow", label: "Shadow: copies of requests" },
  { value: "ab", label: "A/B test: callers split" },
];

export interface StrategyDraft {
  name: StrategyName;
  /** Percentages, as "5, 25, 50" for a canary, and one number for the others. */
  shares: string;
  /** A person has the last word. */
  pause: boolean;
}

const USUAL: Record<StrategyName, string> = { blue_green: "", canary: "5, 25, 50", shadow: "100", ab: "50" };

export const draftOf = (name: StrategyName): StrategyDraft => ({ name, shares: USUAL[name], pause: name !== "canary" });

export function strategyName(strategy: Strategy): StrategyName {
  return strategy.strategy;
}

/** The strategy, or the sentence that says what is wrong with the draft. */
export function strategyOf({ name, shares, pause }: StrategyDraft): Strategy | string {
  const numbers = shares
    .split(/[,;\s]+/)
    .filter(Boolean)
    .map((one) => Number(one.replace("%", "")) / 100);
  const [first] = numbers;
  if (name === "blue_green") return { strategy: name } as Strategy;
  if (first === undefined || numbers.some((share) => !(share > 0))) return "Give percentages above 0.";
  if (name === "canary") {
    if (numbers.some((share) => share >= 1)) return "A canary's shares are below 100.";
    return { strategy: name, steps: numbers.map((share) => ({ share, pause })) } as Strategy;
  }
  if (numbers.length > 1) return "One percentage is enough here.";
  const then = pause ? "pause" : "switch";
  if (name === "shadow") return first > 1 ? "At most 100." : ({ strategy: name, mirror: first, then } as Strategy);
  return first >= 1 ? "Below 100." : ({ strategy: name, share: first, then } as Strategy);
}
