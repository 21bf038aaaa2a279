/** Two texts beside each other, lines that differ marked. */
import { useMemo } from "react";
import { lineDiff } from "../lib/lineDiff";
import styles from "./SideBySide.module.css";

interface SideBySideProps {
  left: { title: string; text: string };
  right: { title: string; text: string };
}

export function SideBySide({ left, right }: SideBySideProps) {
  const rows = useMemo(() => lineDiff(left.text, right.text), [left.text, right.text]);
  return (
    <div className={styles.scroller} tabIndex={0} role="group" aria-label={`${left.title} and ${right.title}`}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{left.title}</th>
            <th scope="col">{right.title}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index} data-differs={row.left !== row.right}>
              <td data-side="left">{row.left}</td>
              <td data-side="right">{row.right}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
