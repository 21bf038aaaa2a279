/** The mill wheel: Millrace's mark. */
import styles from "./Mark.module.css";

const PADDLES = Array.from({ length: 8 }, (_, index) => index * 45);

export function Mark() {
  return (
    <svg className={styles.mark} viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="16" cy="16" r="8.5" />
      <circle className={styles.hub} cx="16" cy="16" r="1.8" />
      {PADDLES.map((angle) => (
        <path key={angle} d="M16 7.5v-5" transform={`rotate(${angle} 16 16)`} />
      ))}
    </svg>
  );
}
