/** Verdicts of windows as small squares, the oldest at the left. */
import { toneOf } from "../../../lib/states";
import styles from "./Monitoring.module.css";

export function VerdictStrip({ verdicts }: { verdicts: readonly string[] }) {
  return (
    <div className={styles.strip} role="img" aria-label={`Windows, the oldest first: ${verdicts.join(", ")}`}>
      {verdicts.map((verdict, index) => (
        <span key={index} data-tone={toneOf(verdict)} title={verdict} />
      ))}
    </div>
  );
}
