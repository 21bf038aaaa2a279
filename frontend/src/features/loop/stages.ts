/** The eight stages of the loop: their order, their names, and what to do when one is not well. Pure. */
import type { Stage } from "../../client/types";
import type { Tone } from "../../lib/tone";

export type StageName = Stage["stage"];

interface StageInfo {
  name: StageName;
  title: string;
  /** What a person can do when it failed. */
  next: string;
}

export const STAGES: readonly StageInfo[] = [
  { name: "data", title: "Data", next: "Read the reason, then upload the version again." },
  {
    name: "check",
    title: "Check",
    next: "Correct the rows that the checks name and upload again. A rejected version is never trained on.",
  },
  { name: "train", title: "Train", next: "Read the log of the job, then start the run again." },
  {
    name: "check_model",
    title: "Check model",
    next: "Look at the examples that failed. The model stays out of service until it passes.",
  },
  {
    name: "promote",
    title: "Promote",
    next: "The champion keeps serving. Supply what the reason asks for, or train another candidate.",
  },
  {
    name: "serve",
    title: "Serve",
    next: "Roll the endpoint back, or look at its probe; the last good version keeps answering.",
  },
  {
    name: "watch",
    title: "Watch",
    next: "Compare the window with the training data; the governor decides whether a retrain would help.",
  },
  { name: "retrain", title: "Retrain", next: "Read why it was refused or failed. Nothing that serves has changed." },
];

const TONES: Record<string, Tone> = {
  idle: "idle",
  running: "running",
  ok: "ok",
  failed: "failed",
  attention: "attention",
};

export function stageTone(state: string): Tone {
  return TONES[state] ?? "idle";
}

export interface ShownStage extends StageInfo {
  tone: Tone;
  fact: Stage | undefined;
}

/** All eight in the order of the loop, also those that the server said nothing about. */
export function inOrder(facts: readonly Stage[]): ShownStage[] {
  return STAGES.map((info) => {
    const fact = facts.find((candidate) => candidate.stage === info.name);
    return { ...info, fact, tone: stageTone(fact?.state ?? "idle") };
  });
}

/** What the whole loop says in a few words, worst first; nothing is well while `alerts` are open. */
export function summary(stages: readonly ShownStage[], alerts = 0): { tone: Tone; text: string } {
  const of = (tone: Tone) => stages.filter((stage) => stage.tone === tone);
  const say = (found: ShownStage[], one: string, many: string) =>
    found.length === 1 ? `${found[0]?.title ?? ""} ${one}` : `${found.length} stages ${many}`;

  const failed = of("failed");
  if (failed.length > 0) return { tone: "failed", text: say(failed, "failed", "failed") };
  const attention = of("attention");
  if (attention.length > 0) return { tone: "attention", text: say(attention, "needs you", "need you") };
  if (alerts > 0) return { tone: "attention", text: "Look at the alerts" };
  const running = of("running");
  if (running.length > 0) return { tone: "running", text: say(running, "is running", "are running") };
  if (of("ok").length > 0) return { tone: "ok", text: "All is well" };
  return { tone: "idle", text: "Waiting for data" };
}
