/** A few rows of data as they are: every value as text, what differs marked. */
import styles from "./RowsTable.module.css";

interface RowsTableProps {
  label: string;
  rows: readonly Record<string, unknown>[];
  /** Columns that come first. */
  first?: readonly string[];
  /** Columns to mark. */
  marked?: readonly string[];
}

const MOST_COLUMNS = 60;

/** NaN and infinities arrive as text or null; an absent value is a dash. */
export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** All columns of the rows, those of `first` in front. */
export function columnsOf(rows: readonly Record<string, unknown>[], first: readonly string[]): string[] {
  const all = new Set(rows.flatMap(Object.keys));
  return [...first.filter((name) => all.has(name)), ...[...all].filter((name) => !first.includes(name))];
}

export function RowsTable({ label, rows, first = [], marked = [] }: RowsTableProps) {
  const all = columnsOf(rows, [...first, ...marked]);
  const columns = all.slice(0, MOST_COLUMNS);
  return (
    <div className={styles.rows} tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col" title={name} data-marked={marked.includes(name)}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((name) => (
                <td key={name} title={shownValue(row[name])} data-marked={marked.includes(name)}>
                  {shownValue(row[name])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {all.length > columns.length ? (
        <p>
          The first {MOST_COLUMNS} of {all.length} columns.
        </p>
      ) : null}
    </div>
  );
}
