/** What happened when, by whom and why. */
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import type { RolloutRead } from "../api";
import styles from "./Stepper.module.css";

export function History({ rollout }: { rollout: RolloutRead }) {
  const moments = [...rollout.history].reverse();
  return (
    <Panel title="What happened" empty={moments.length === 0 && "Nothing yet: it is being loaded."}>
      <ol className={styles.history}>
        {moments.map(({ at, state, step, by, reason }, index) => (
          <li key={index}>
            <p className={styles.evidence}>
              <State of={state} />
              {rollout.steps.length > 0 ? `step ${Math.min(step + 1, rollout.steps.length)}` : null}
              <RelativeTime at={at} /> by {by}
            </p>
            {reason ? <p>{reason}</p> : null}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
