/** Why a version was rejected, and everything that can be done about it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Command } from "../../../components/Copy";
import { Panel } from "../../../components/Panel";
import { reportQuery } from "../api";
import { canQuarantine } from "../report";
import styles from "./Checks.module.css";
import { Quarantine } from "./Quarantine";
import { RunChecks } from "./RunChecks";

interface RejectedProps {
  name: string;
  number: number;
  reasons: readonly string[];
}

export function Rejected({ name, number, reasons }: RejectedProps) {
  const { data: report } = useQuery(reportQuery(name, number));
  // Nothing that the suite says changes a file that cannot be read.
  const readable = !report?.results.some(({ check, verdict }) => check === "readable" && verdict === "fail");
  const rows = report ? canQuarantine(report, false) : false;
  return (
    <Panel title="Rejected: what to do next">
      <ul className={styles.next}>
        {reasons.map((reason, index) => (
          <li key={index}>{reason}</li>
        ))}
      </ul>
      <div className={styles.stack}>
        <p>
          <strong>Fix the data</strong> where it comes from, and upload it again: the same name, the next number.
        </p>
        {rows ? (
          <p>
            <strong>Quarantine the failing rows</strong>: the good ones become the next version at once, the others stay
            where they can be looked at.
          </p>
        ) : null}
        {readable ? (
          <>
            <p>
              <strong>Change the suite</strong> if a check asks for too much (
              <Link to="/datasets/$name" params={{ name }} search={{ tab: "suite" } as never}>
                edit it
              </Link>
              ), then run the checks again.
            </p>
            <p>
              <strong>Use it as it is</strong>: nothing trains on a rejected version unless its spec says so, and that
              is on record.
            </p>
            <Command text={`dataset: ${name}@${number}\nforce: true`} />
          </>
        ) : null}
        <div className={styles.buttons}>
          {report && rows ? (
            <Quarantine name={name} number={number} report={report} kind="primary" onDone={() => undefined} />
          ) : null}
          <RunChecks name={name} number={number} />
        </div>
      </div>
    </Panel>
  );
}
