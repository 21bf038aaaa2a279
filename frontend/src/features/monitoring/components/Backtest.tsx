/** Proposed against present against what happened, over the same windows. */
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { DataTable, type Column } from "../../../components/DataTable";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { number } from "../../../lib/numbers";
import { plural } from "../../../lib/text";
import type { BacktestRead } from "../api";
import { sides } from "../sides";
import styles from "./Monitoring.module.css";

type BacktestWindow = BacktestRead["windows"][number];

export function Backtest({ of }: { of: BacktestRead }) {
  const rows = useMemo(() => [...of.windows].reverse(), [of]);
  const columns = useMemo(() => columnsOf(of.endpoint), [of.endpoint]);
  return (
    <Panel title="Back-test">
      <Notice
        tone={of.changed === 0 ? "idle" : "attention"}
        title={
          of.changed === 0
            ? `All ${plural(of.windows.length, "window")} keep their verdict`
            : `${plural(of.changed, "window")} of ${number(of.windows.length)} would have another verdict`
        }
      >
        <ul className={styles.list}>
          {of.assumptions.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      </Notice>
      <div className={styles.scroll} tabIndex={0} role="group" aria-label="Proposed, present and recorded">
        <table className={styles.sides}>
          <thead>
            <tr>
              <th scope="col">Over these windows</th>
              <th scope="col">Proposed</th>
              <th scope="col">Present</th>
              <th scope="col">Happened</th>
            </tr>
          </thead>
          <tbody>
            {sides(of).map(([label, ...values]) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {values.map((value, place) => (
                  <td key={place}>{value === null ? "–" : number(value)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <br />
      <DataTable
        label="Windows"
        name="b"
        rows={rows}
        columns={columns}
        rowKey={({ id }) => id}
        empty="No window has closed yet: there is no history to try it on."
      />
    </Panel>
  );
}

const verdict = (of: string | null) => (of === null ? <span>unknown</span> : <State of={of} />);

function columnsOf(endpoint: string): Column<BacktestWindow>[] {
  return [
    {
      id: "at",
      header: "Window",
      value: ({ at }) => at,
      cell: ({ id, at }) => (
        <Link to="/monitoring/$name" params={{ name: endpoint }} search={{ window: id } as never}>
          <RelativeTime at={at} />
        </Link>
      ),
      width: "130px",
    },
    { id: "version", header: "Version", value: ({ version }) => version, width: "90px", align: "end" },
    {
      id: "rows",
      header: "Rows",
      value: ({ rows }) => rows,
      cell: ({ rows }) => number(rows),
      width: "90px",
      align: "end",
    },
    {
      id: "proposed",
      header: "Proposed",
      value: ({ proposed }) => proposed,
      cell: ({ proposed }) => verdict(proposed),
      width: "120px",
    },
    {
      id: "present",
      header: "Present",
      value: ({ present }) => present,
      cell: ({ present }) => verdict(present),
      width: "120px",
    },
    {
      id: "recorded",
      header: "Happened",
      value: ({ recorded }) => recorded,
      cell: ({ recorded }) => verdict(recorded),
      width: "120px",
    },
    {
      id: "why",
      header: "Proposed: why",
      value: why,
      cell: (one) => <span title={why(one)}>{why(one) || "–"}</span>,
      width: "minmax(200px, 2fr)",
    },
  ];
}

function why({ unknown, broken, drifted }: BacktestWindow): string {
  if (unknown) return unknown;
  const said = [
    broken.length > 0 ? `broken: ${broken.join(", ")}` : "",
    drifted.length > 0 ? `drifted: ${drifted.join(", ")}` : "",
  ];
  return said.filter(Boolean).join("; ");
}
