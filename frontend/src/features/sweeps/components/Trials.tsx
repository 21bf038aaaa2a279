/** The trials of a sweep: as a table, and each parameter against the objective. */
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Scatter } from "../../../components/charts/Scatter";
import { DataTable, type Column } from "../../../components/DataTable";
import { Select } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { State } from "../../../components/State";
import { number } from "../../../lib/numbers";
import { useUrlState } from "../../../lib/urlState";
import type { SweepDetail, Trial } from "../api";

const text = (value: unknown) =>
  typeof value === "string" ? value : value === undefined ? "–" : JSON.stringify(value);

export function Trials({ sweep }: { sweep: SweepDetail }) {
  const columns = useMemo(
    (): Column<Trial>[] => [
      {
        id: "number",
        header: "Trial",
        value: (trial) => trial.number,
        cell: (trial) =>
          trial.run_id ? (
            <Link to="/runs/$id" params={{ id: trial.run_id }}>
              {trial.number}
            </Link>
          ) : (
            trial.number
          ),
        width: "80px",
      },
      {
        id: "state",
        header: "State",
        value: ({ state }) => state,
        cell: ({ state }) => <State of={state} />,
        width: "110px",
      },
      {
        id: "value",
        header: sweep.spec.objective.metric,
        value: ({ value }) => value,
        cell: ({ value }) => number(value),
        width: "minmax(130px, 1fr)",
        align: "end",
      },
      ...Object.keys(sweep.spec.space).map((name): Column<Trial> => ({
        id: `params.${name}`,
        header: name,
        value: ({ params }) => {
          const value = params[name];
          return typeof value === "number" ? value : text(value);
        },
        cell: ({ params }) => {
          const value = params[name];
          return typeof value === "number" ? number(value) : <span title={text(value)}>{text(value)}</span>;
        },
        width: "minmax(110px, 1fr)",
        align: "end",
      })),
      {
        id: "reason",
        header: "Why",
        value: ({ reason }) => reason,
        cell: ({ reason }) => <span title={reason}>{reason || "–"}</span>,
        width: "minmax(120px, 1fr)",
      },
    ],
    [sweep.spec],
  );
  return (
    <Panel title="Trials" count={sweep.trials.length}>
      <DataTable
        label="Trials"
        rows={sweep.trials}
        columns={columns}
        rowKey={(trial) => String(trial.number)}
        tone={(trial) => (trial.number === sweep.best?.number ? "ok" : trial.state === "failed" ? "failed" : undefined)}
        empty="None was planned."
      />
    </Panel>
  );
}

export function AgainstObjective({ sweep }: { sweep: SweepDetail }) {
  const names = Object.keys(sweep.spec.space);
  const [wanted, setWanted] = useUrlState("x", names[0] ?? "");
  const name = names.includes(wanted) ? wanted : names[0];
  const points = useMemo(
    () =>
      sweep.trials.flatMap((trial) => {
        const x = name === undefined ? undefined : trial.params[name];
        return typeof x === "number" && trial.value !== null
          ? [{ name: `trial ${trial.number}`, x, y: trial.value, marked: trial.number === sweep.best?.number }]
          : [];
      }),
    [sweep, name],
  );
  return (
    <Panel title="Against the objective">
      {name === undefined ? null : <Select label="Parameter" value={name} onChange={setWanted} options={names} />}
      {points.length > 0 && name !== undefined ? (
        <Scatter
          label={`${sweep.spec.objective.metric} against ${name}`}
          points={points}
          xName={name}
          yName={sweep.spec.objective.metric}
        />
      ) : (
        <p>No trial with a number to draw yet.</p>
      )}
    </Panel>
  );
}
