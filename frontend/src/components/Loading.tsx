/** The quiet shape of a page that is on its way. */
import styles from "./Loading.module.css";

export function Loading() {
  return (
    <div className={styles.loading} role="status">
      <span className="offscreen">Loading</span>
      <div className={styles.tall} />
      <div className={styles.row}>
        <div />
        <div />
      </div>
    </div>
  );
}
