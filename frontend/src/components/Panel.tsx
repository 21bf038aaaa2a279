/** A titled part of a page, with a quiet sentence in place of an empty list. */
import { useId, type ReactNode } from "react";
import styles from "./Panel.module.css";

interface PanelProps {
  title: string;
  count?: number;
  /** Shown when there is nothing: says what would appear here. */
  empty?: string | false;
  id?: string;
  children?: ReactNode;
}

export function Panel({ title, count, empty, id, children }: PanelProps) {
  const heading = useId();
  return (
    <section className={styles.panel} aria-labelledby={heading} id={id}>
      <h2 id={heading} className={styles.title}>
        {title}
        {count ? <span className={styles.count}>{count}</span> : null}
      </h2>
      {empty ? <p className={styles.empty}>{empty}</p> : children}
    </section>
  );
}
