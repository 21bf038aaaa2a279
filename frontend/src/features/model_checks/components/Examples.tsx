/** Rows that a check failed on: texts before and after, or a table. */
import { useState } from "react";
import { Button } from "../../../components/Button";
import { percent } from "../../../lib/numbers";
import { plural } from "../../../lib/text";
import { flat, moveOf, type Example, type Part } from "../examples";
import styles from "./Checks.module.css";

/** Enough to see what is the matter. */
const FEW = 3;

export function Examples({ of, label }: { of: readonly Example[]; label: string }) {
  const [whole, setWhole] = useState(false);
  if (of.length === 0) return null;
  const some = whole ? of : of.slice(0, FEW);
  const moves = some.flatMap((example) => moveOf(example) ?? []);
  return (
    <figure className={styles.examples}>
      <figcaption>
        {some.length < of.length ? `${some.length} of ${of.length} examples` : plural(of.length, "example")}
      </figcaption>
      {moves.length === some.length ? <Moves moves={moves} /> : <Rows rows={some.map(flat)} label={label} />}
      {some.length < of.length ? (
        <span>
          <Button onClick={() => setWhole(true)}>Show all {of.length}</Button>
        </span>
      ) : null}
    </figure>
  );
}

function Marked({ parts }: { parts: readonly Part[] }) {
  return parts.map(({ text, differs }, index) =>
    differs ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>,
  );
}

type Move = NonNullable<ReturnType<typeof moveOf>>;

function Moves({ moves }: { moves: readonly Move[] }) {
  return (
    <ul className={styles.moves}>
      {moves.map(({ columns, answers, chances }, index) => (
        <li key={index}>
          <dl className={styles.move}>
            {(["before", "after"] as const).map((when) => (
              <div key={when}>
                <dt>{when}</dt>
                <dd className={styles.text}>
                  {columns.map((column) => (
                    <p key={column.name}>
                      {columns.length > 1 || column.name !== "text" ? <small>{column.name}: </small> : null}
                      <Marked parts={column[when]} />
                    </p>
                  ))}
                </dd>
                <dd className={styles.answer} data-moved={answers.before !== answers.after}>
                  {answers[when]}
                  {chances[when] === undefined ? null : <small>{percent(chances[when])}</small>}
                </dd>
              </div>
            ))}
          </dl>
        </li>
      ))}
    </ul>
  );
}

function Rows({ rows, label }: { rows: readonly Record<string, string>[]; label: string }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <div className={styles.scroller} tabIndex={0} role="group" aria-label={`Examples of ${label}`}>
      <table className={styles.rows}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column} title={row[column]} data-column={column}>
                  {row[column] ?? "–"}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
