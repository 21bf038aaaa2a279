/** The way of a rollout as stages: which are behind it, where it is, and what is left. */
import { percent } from "../../lib/numbers";
import { toneOf } from "../../lib/states";
import { sentence } from "../../lib/text";
import type { Tone } from "../../lib/tone";
import type { RolloutRead } from "./api";

export interface Stage {
  name: string;
  note: string;
  tone: Tone;
  here: boolean;
}

const ON_TRIAL = ["shadowing", "canary", "testing", "paused"];
export const onTrial = ({ state }: Pick<RolloutRead, "state">) => ON_TRIAL.includes(state);
export const isActive = ({ state }: Pick<RolloutRead, "state">) =>
  onTrial({ state }) || state === "preparing" || state === "verifying";

type Way = Pick<RolloutRead, "state" | "step" | "steps" | "history">;

function place(state: string, step: number, last: number): number {
  if (state === "preparing") return 0;
  if (state === "verifying") return 1;
  return ON_TRIAL.includes(state) ? 2 + step : last;
}

export function stagesOf({ state, step, steps, history }: Way): Stage[] {
  const last = steps.length + 2;
  const failed = state === "rolled_back" || state === "aborted";
  const before = history.filter((moment) => moment.state !== state).at(-1);
  const here = failed ? place(before?.state ?? "preparing", before?.step ?? step, last) : place(state, step, last);
  const stages = [
    { name: "Load", note: "warm everywhere" },
    { name: "Verify", note: "real rows replayed" },
    ...steps.map(({ name, share, mirror }) => ({
      name: sentence(name),
      note: [share > 0 && `${percent(share, 0)} of requests`, mirror > 0 && `${percent(mirror, 0)} copied`]
        .filter(Boolean)
        .join(", "),
    })),
    { name: "Switch", note: "answers all" },
  ];
  return stages.map((stage, index) => ({
    ...stage,
    here: index === here,
    tone: index < here ? "ok" : index === here ? (state === "testing" ? "running" : toneOf(state)) : "idle",
  }));
}

/** How far the evidence has gone towards a failure: 0 for none, 1 where the test fails. */
export function against({ e_value, fails_at }: { e_value: number; fails_at: number }): number {
  if (!(e_value > 1) || !(fails_at > 1)) return 0;
  return Math.min(Math.log(e_value) / Math.log(fails_at), 1);
}
