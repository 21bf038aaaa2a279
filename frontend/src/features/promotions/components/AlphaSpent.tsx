/** What a comparison took of the alpha of its rows, and what was left. */
import { Meter } from "../../../components/Spark";
import { number, percent } from "../../../lib/numbers";
import type { AlphaBudget } from "../api";

type Allotment = NonNullable<AlphaBudget["fresh"]>;

/** The part of the budget that is left, between 0 and 1; undefined where there is no budget. */
export function shareLeft({ left, alpha }: Allotment): number | undefined {
  return left === null ? undefined : Math.min(Math.max(left / alpha, 0), 1);
}

export function AlphaSpent({ alpha }: { alpha: Allotment }) {
  const left = shareLeft(alpha);
  return (
    <>
      {left === undefined ? null : (
        <>
          <Meter
            share={left}
            label={`${percent(left)} of alpha ${number(alpha.alpha)} was left`}
            tone={left === 0 ? "failed" : left < 0.25 ? "attention" : "ok"}
          />{" "}
        </>
      )}
      {alpha.message} {alpha.repeats ? "The same was asked before: nothing was spent." : ""}
    </>
  );
}
