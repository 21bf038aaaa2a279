/** The champions of a model one after the other: who named each, why, and on which evidence. Pure. */
import type { ModelEvent, Promotion } from "./api";

export interface Reign {
  key: string;
  at: string;
  /** Until when; null for the champion of now. */
  until: string | null;
  number: number;
  previous: number | null;
  actor: string;
  /** The decision that named it; undefined when a rollback brought it back, or an old decision is not loaded. */
  promotion: Promotion | undefined;
  /** Named again without a decision of its own: it came back. */
  back: boolean;
}

/** A switch is one commit, but two clock readings. */
const SAME_MS = 5_000;

/** From the moves of the champion alias (newest first) and the promotions that are loaded. */
export function reignsOf(moves: readonly ModelEvent[], promotions: readonly Promotion[]): Reign[] {
  return moves.map(({ seq, at, actor, payload }, index) => {
    const number = Number(payload.number);
    const promotion = promotions.find(
      ({ version, applied_at }) =>
        version === number && applied_at !== null && Math.abs(Date.parse(applied_at) - Date.parse(at)) < SAME_MS,
    );
    const earlier = moves.slice(index + 1).some((move) => Number(move.payload.number) === number);
    return {
      key: String(seq),
      at,
      until: moves[index - 1]?.at ?? null,
      number,
      previous: typeof payload.previous === "number" ? payload.previous : null,
      actor,
      promotion,
      back: promotion === undefined && earlier,
    };
  });
}
