/** Which tone a state or a verdict of the server has. One table, so that red means the same on every page. */
import type { Tone } from "./tone";

const TONES: Record<Tone, readonly string[]> = {
  ok: [
    "succeeded",
    "finished",
    "validated",
    "pass",
    "passed",
    "applied",
    "approved",
    "live",
    "clean",
    "resolved",
    "switched",
    "champion",
    "delivered",
    "bit_identical",
    "within_tolerance",
    "caught",
    "quiet",
    "ready",
    "active",
    "retired",
    "ok",
  ],
  running: [
    "running",
    "queued",
    "pending",
    "preparing",
    "shadowing",
    "canary",
    "verifying",
    "requested",
    "registered",
    "trying",
  ],
  attention: [
    "warn",
    "warning",
    "inconclusive",
    "acknowledged",
    "paused",
    "awaiting_approval",
    "challenger",
    "superseded",
    "drift",
    "drifted",
    "refused",
    "vacuous",
    "waiting",
    "open_window",
  ],
  failed: [
    "fail",
    "failed",
    "error",
    "rejected",
    "rolled_back",
    "aborted",
    "overridden",
    "open",
    "damaged",
    "broken",
    "degraded",
    "not_reproduced",
    "missed",
    "quality",
  ],
  idle: ["cancelled", "skipped", "archived", "deleted", "none", "closed", "checked"],
};

const BY_STATE = new Map(
  Object.entries(TONES).flatMap(([tone, states]) => states.map((state) => [state, tone as Tone])),
);

export function toneOf(state: string | null | undefined): Tone {
  return BY_STATE.get((state ?? "").toLowerCase()) ?? "idle";
}
