/** What the checks found in a version: each with its numbers, the failing ones with their rows. */
import { useQuery } from "@tanstack/react-query";
import { Glyph } from "../../../components/Glyph";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { RowsTable } from "../../../components/RowsTable";
import { State } from "../../../components/State";
import { number } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import { plural, words } from "../../../lib/text";
import { reportQuery, type CheckResult, type Report } from "../api";
import { columnsOfResult, verdictCounts, worstFirst } from "../report";
import styles from "./Checks.module.css";

const shown = (value: number | string | null | undefined) => (typeof value === "string" ? value : number(value));

function Result({ report, result }: { report: Report; result: CheckResult }) {
  const { name, check, verdict, severity, value, threshold, message, failing_count, failing_rows } = result;
  const marked = columnsOfResult(report, result);
  return (
    <li className={styles.result} data-tone={verdict === "pass" ? undefined : toneOf(verdict)}>
      <p className={styles.head}>
        <Glyph tone={toneOf(verdict)} />
        <strong>{name}</strong>
        <State of={verdict} />
        <span className={styles.quiet}>
          {words(check)}
          {severity === "warn" ? ", warns only" : ""}
        </span>
      </p>
      <p>{message}</p>
      {value != null || threshold != null ? (
        <p className={styles.numbers}>
          <span>found {shown(value)}</span>
          <span>allowed {shown(threshold)}</span>
          {failing_count > 0 ? <span>{plural(failing_count, "failing row")}</span> : null}
        </p>
      ) : null}
      {failing_rows.length > 0 ? (
        <details open={verdict === "fail"}>
          <summary className={styles.quiet}>
            {failing_rows.length < failing_count
              ? `The first ${failing_rows.length} of ${plural(failing_count, "failing row")}`
              : plural(failing_rows.length, "failing row")}
          </summary>
          <RowsTable label={`Failing rows of ${name}`} rows={failing_rows} first={["row"]} marked={marked} />
        </details>
      ) : null}
    </li>
  );
}

function Summary({ report }: { report: Report }) {
  const { fail, warn, pass } = verdictCounts(report.results);
  return (
    <p className={styles.head}>
      <State of={report.verdict} />
      <span>
        {fail} failed, {warn} warned, {pass} passed
      </span>
      <span className={styles.quiet}>
        <RelativeTime at={report.created_at} /> by {report.created_by}
      </span>
    </p>
  );
}

export function CheckReport({ name, number: version }: { name: string; number: number }) {
  const query = useQuery(reportQuery(name, version));
  return (
    <Read query={query} what="the report of the checks">
      {(report) =>
        report === null ? (
          <Notice tone="running" title="Its checks have not run yet">
            <p>The report appears here by itself when they have. What runs now is shown above.</p>
          </Notice>
        ) : (
          <Panel
            title="Checks"
            count={report.results.length}
            empty={
              report.results.length === 0 &&
              "The suite of the dataset had no checks: the version is profiled and accepted as it is. Suggest some in the tab Checks of the dataset."
            }
          >
            <div className={styles.stack}>
              <Summary report={report} />
              <ul className={styles.results}>
                {worstFirst(report.results).map((result, index) => (
                  <Result key={`${index} ${result.name}`} report={report} result={result} />
                ))}
              </ul>
            </div>
          </Panel>
        )
      }
    </Read>
  );
}
