import type { Tone } from "../../lib/tone";

/** How a rule of the governor looks: a retrain that starts or runs is blue, a stop that a person must lift is red. */
export function ruleTone(rule: string): Tone {
  if (rule === "go" || rule === "in_flight") return "running";
  return rule === "circuit_breaker" || rule === "broken_data" ? "failed" : "attention";
}

const NEXT: Record<string, string> = {
  go: "Nothing to do: the next bad window starts it.",
  in_flight: "Wait for the retrain that runs.",
  hysteresis: "Nothing to do: too few windows are bad for a retrain.",
  cooldown: "Wait, or run the pipeline by hand.",
  budget: "Wait for tomorrow, run the pipeline by hand, or raise the daily budget in the policy.",
  circuit_breaker: "See why the gate refused, then mend the pipeline: a pass, or a change of it, closes the breaker.",
  broken_data: "Mend the source of the broken columns: training on them would make it worse.",
};

export const afterRule = (rule: string): string | undefined => NEXT[rule];
