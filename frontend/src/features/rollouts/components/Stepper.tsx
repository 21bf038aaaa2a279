/** The stages of a rollout in their order: what is behind it, where it is, what is left. */
import { Glyph } from "../../../components/Glyph";
import type { RolloutRead } from "../api";
import { stagesOf } from "../stages";
import styles from "./Stepper.module.css";

export function Stepper({ rollout }: { rollout: RolloutRead }) {
  return (
    <ol className={styles.steps} aria-label="Steps of the rollout">
      {stagesOf(rollout).map(({ name, note, tone, here }, index) => (
        <li key={index} className={styles.step} data-tone={tone} aria-current={here ? "step" : undefined}>
          <Glyph tone={tone} />
          <span>
            <strong>{name}</strong>
            <span className={styles.note}>{note}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
