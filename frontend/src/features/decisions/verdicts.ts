/** How each verdict looks and, where it stops something, what a person can do next. Pure. */
import type { Tone } from "../../lib/tone";

interface VerdictInfo {
  tone: Tone;
  next?: string;
}

const VERDICTS: Record<string, VerdictInfo> = {
  pass: { tone: "ok" },
  validated: { tone: "ok" },
  switched: { tone: "ok" },
  started: { tone: "running" },
  fail: { tone: "failed", next: "The champion stays. Train a candidate that answers the reason, then ask again." },
  rejected: {
    tone: "failed",
    next: "Correct what the reason names and upload again. Nothing was trained on this version.",
  },
  inconclusive: { tone: "attention", next: "The champion stays. More evaluation rows would settle it." },
  refused: { tone: "attention" },
  aborted: {
    tone: "attention",
    next: "The version before keeps answering. Mend what the reason names, then start the rollout again.",
  },
  rolled_back: { tone: "attention" },
};

/** A verdict that this page does not know yet is shown plainly. */
export function verdictInfo(verdict: string): VerdictInfo {
  return VERDICTS[verdict] ?? { tone: "idle" };
}
