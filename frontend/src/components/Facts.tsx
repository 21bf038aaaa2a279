/** Names and values in two columns. What is absent is left out. */
import type { ReactNode } from "react";
import styles from "./Facts.module.css";

export function Facts({ of }: { of: Record<string, ReactNode> }) {
  const shown = Object.entries(of).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl className={styles.facts}>
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A number that stands out, with what it is and how to take it. */
export function Stat({
  label,
  value,
  note,
  tone,
}: {
  label: string;
  value: ReactNode;
  note?: ReactNode;
  tone?: string | undefined;
}) {
  return (
    <div className={styles.stat} data-tone={tone}>
      <span className={styles.label}>{label}</span>
      <strong>{value}</strong>
      {note ? <span className={styles.note}>{note}</span> : null}
    </div>
  );
}

export function Stats({ children }: { children: ReactNode }) {
  return <div className={styles.stats}>{children}</div>;
}
