/** The loop as a picture with words: the ring in the middle, each stage's latest fact beside its node. */
import { useId, type ReactNode } from "react";
import type { Stage } from "../../../client/types";
import { node } from "../geometry";
import { inOrder, summary } from "../stages";
import { Ring } from "./Ring";
import { StageCard } from "./StageCard";
import styles from "./Loop.module.css";

export function Loop({ facts, alerts, note }: { facts: readonly Stage[]; alerts: number; note?: ReactNode }) {
  const stages = inOrder(facts);
  const heading = useId();
  const whole = summary(stages, alerts);
  return (
    <section className={styles.loop} aria-labelledby={heading}>
      <h2 id={heading} className="offscreen">
        The loop
      </h2>
      <div className={styles.picture}>
        <Ring stages={stages} />
        <div className={styles.centre} data-tone={whole.tone}>
          <p className={styles.whole}>{whole.text}</p>
          {note ? <p className={styles.note}>{note}</p> : null}
        </div>
      </div>
      <ol className={styles.stages}>
        {stages.map((stage, index) => {
          const { side, row } = node(index);
          return (
            <li key={stage.name} className={styles.stage} data-side={side} data-row={row}>
              <StageCard stage={stage} />
            </li>
          );
        })}
      </ol>
    </section>
  );
}
