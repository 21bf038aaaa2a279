/** How the alpha of a holdout is drawn: what each comparison took, and what is left. Pure. */
import type { AlphaBudget } from "./api";

type Holdout = AlphaBudget["holdouts"][number];

/** Shares of the bar that sum to 1 at most; under a rule that earns alpha back there may be more than alpha to show. */
export function spentOf({ comparisons, next }: Holdout, alpha: number) {
  const left = Math.max(next.left ?? 0, 0);
  const whole = Math.max(alpha, comparisons.reduce((sum, { share }) => sum + share, 0) + left);
  return {
    parts: comparisons.map(({ promotion_id, spent_at, share, rejected }) => ({
      key: promotion_id + spent_at,
      share: share / whole,
      found: rejected,
    })),
    left: left / whole,
  };
}
