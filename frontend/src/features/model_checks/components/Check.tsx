/** One check: its figure beside its bound, what it says, and below what it failed on. */
import { useState } from "react";
import { Bound } from "../../../components/Bound";
import { Glyph } from "../../../components/Glyph";
import { Tag } from "../../../components/Tag";
import { asked, boundsOf, end, plainly } from "../../../lib/bounds";
import { number } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import { words } from "../../../lib/text";
import type { CheckResult } from "../api";
import { Details, hasDetails } from "./Details";
import { Examples } from "./Examples";
import styles from "./Checks.module.css";

/** A check of severity warn that does not pass is a warning. */
export function verdictOf({ verdict, severity }: CheckResult): string {
  return verdict !== "pass" && severity === "warn" ? "warn" : verdict;
}

export function Check({ result }: { result: CheckResult }) {
  const { gate, value, low, high, threshold, message, rows, vacuous, cached } = result;
  const name = result.name === gate ? words(gate) : result.name || words(gate);
  const verdict = verdictOf(result);
  const tone = toneOf(verdict);
  const bounds = boundsOf(gate, threshold);
  return (
    <li className={styles.check}>
      <div className={styles.head}>
        <Glyph tone={tone} />
        <strong>{name}</strong>
        {words(gate) === name ? null : <span className={styles.muted}>{words(gate)}</span>}
        <Tag tone={tone}>{verdict}</Tag>
        {vacuous ? <Tag tone="attention">vacuous</Tag> : null}
        {typeof value === "number" ? (
          <span className={styles.figure}>
            <strong>{number(value)}</strong>
            <small>{asked(gate, threshold, number)}</small>
            {bounds ? (
              <Bound value={value} low={end(low)} high={end(high)} bounds={bounds} tone={tone} label={name} />
            ) : null}
          </span>
        ) : null}
      </div>
      <p>{plainly(message)}</p>
      <p className={styles.muted}>
        {rows === null || rows === undefined ? null : `${number(rows)} rows`}
        {cached ? " · found earlier: the same check, package, rows and seed" : null}
      </p>
      {hasDetails(result) ? <Evidence result={result} open={verdict === "fail"} /> : null}
    </li>
  );
}

/** Slices, curves and failing rows; folded in until somebody asks. */
export function Evidence({ result, open: atFirst }: { result: CheckResult; open: boolean }) {
  // A chart needs to be seen to know its size, so nothing is drawn before.
  const [open, setOpen] = useState(atFirst);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{result.examples.length > 0 ? "Examples and details" : "Details"}</summary>
      {open ? (
        <div className={styles.inside}>
          <Examples of={result.examples} label={result.name || words(result.gate)} />
          <Details result={result} />
        </div>
      ) : null}
    </details>
  );
}
