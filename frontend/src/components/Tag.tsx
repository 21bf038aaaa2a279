/** A word for a state or a verdict, in its tone. */
import type { Tone } from "../lib/tone";
import styles from "./Tag.module.css";

export function Tag({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={styles.tag} data-tone={tone}>
      {children}
    </span>
  );
}
