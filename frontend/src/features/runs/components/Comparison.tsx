/** Runs side by side: as tables of what differs, and drawn. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Lines } from "../../../components/charts/Lines";
import { Parallel } from "../../../components/charts/Parallel";
import { Scatter } from "../../../components/charts/Scatter";
import { DataTable, type Column } from "../../../components/DataTable";
import { Select } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { State } from "../../../components/State";
import { number } from "../../../lib/numbers";
import { words } from "../../../lib/text";
import { useUrlState } from "../../../lib/urlState";
import { hasEnded, metricsQuery, overlaidQuery, type RunComparison } from "../api";
import { plain } from "../columns";
import { axesOf, isNumeric, parallelAxes, pointsOf, type Axis } from "../compare";
import styles from "./Runs.module.css";

const short = (id: string) => id.slice(-8);

interface Line {
  name: string;
  values: readonly unknown[];
}

const shown = (value: unknown) => (typeof value === "number" ? number(value) : String(plain(value) ?? "–"));

/** One row per fact, one column per run. */
function Table({ label, name, runs, rows }: { label: string; name: string; runs: readonly string[]; rows: Line[] }) {
  const columns = useMemo(
    (): Column<Line>[] => [
      {
        id: "name",
        header: label,
        value: (row) => row.name,
        cell: (row) => <span title={row.name}>{row.name}</span>,
        width: "minmax(160px, 1fr)",
      },
      ...runs.map((id, index): Column<Line> => ({
        id,
        header: short(id),
        hint: `Run ${id}`,
        value: (row) => plain(row.values[index]),
        cell: (row) => <span title={shown(row.values[index])}>{shown(row.values[index])}</span>,
        width: "minmax(110px, 1fr)",
        align: "end",
      })),
    ],
    [label, runs],
  );
  return (
    <DataTable
      label={label}
      name={name}
      rows={rows}
      columns={columns}
      rowKey={(row) => row.name}
      empty="Nothing here."
      height="50vh"
    />
  );
}

export function Differences({ of }: { of: RunComparison }) {
  const rows = useMemo((): Line[] => {
    const varied = (name: string, values: readonly unknown[]) =>
      new Set(values.map((value) => JSON.stringify(value))).size > 1 ? [{ name, values }] : [];
    return [
      ...varied("data", of.datasets),
      ...varied("data digest", of.dataset_digests),
      ...varied("code", of.code_commits),
      ...Object.entries(of.params).map(([name, values]) => ({ name: name.replace(/^params\./, ""), values })),
      ...Object.entries(of.environments).map(([name, values]) => ({ name: `environment: ${name}`, values })),
    ];
  }, [of]);
  return (
    <Panel
      title="What differs"
      count={rows.length}
      empty={rows.length === 0 && "Nothing: the same data, code, environment and parameters."}
    >
      <p>Not the same for all: {of.differs.map(words).join(", ") || "nothing in a word"}.</p>
      <Table label="What differs" name="differs" runs={of.runs} rows={rows} />
    </Panel>
  );
}

export function MetricsCompared({ of }: { of: RunComparison }) {
  const rows = useMemo(() => Object.entries(of.metrics).map(([name, values]) => ({ name, values })), [of.metrics]);
  return (
    <Panel title="Metrics" count={rows.length} empty={rows.length === 0 && "None of them has a metric yet."}>
      <Table label="Metric" name="metrics" runs={of.runs} rows={rows} />
    </Panel>
  );
}

export function RunsCompared({ of }: { of: RunComparison }) {
  const rows = of.runs.map((id, index) => ({ id, state: of.states[index] ?? "", data: of.datasets[index] ?? "" }));
  const columns: Column<(typeof rows)[number]>[] = [
    {
      id: "run",
      header: "Run",
      value: ({ id }) => id,
      cell: ({ id }) => (
        <Link to="/runs/$id" params={{ id }} title={id}>
          {short(id)}
        </Link>
      ),
    },
    { id: "state", header: "State", value: ({ state }) => state, cell: ({ state }) => <State of={state} /> },
    { id: "data", header: "Data", value: ({ data }) => data },
  ];
  return (
    <Panel title="The runs" count={rows.length}>
      <DataTable
        label="The runs"
        name="runs"
        rows={rows}
        columns={columns}
        rowKey={({ id }) => id}
        empty=""
        height="40vh"
      />
    </Panel>
  );
}

function Against({ runs, axes }: { runs: readonly string[]; axes: readonly Axis[] }) {
  const first = axes.find(({ id }) => id.startsWith("params.")) ?? axes[0];
  const second = axes.find(({ name }) => name.startsWith("test_")) ?? axes.at(-1);
  const [wantedX, setX] = useUrlState("x", first?.id ?? "");
  const [wantedY, setY] = useUrlState("y", second?.id ?? "");
  const x = axes.find(({ id }) => id === wantedX) ?? first;
  const y = axes.find(({ id }) => id === wantedY) ?? second;
  const points = useMemo(() => (x && y ? pointsOf(runs.map(short), x, y) : []), [runs, x, y]);
  if (!x || !y) return <p>There are no numbers to draw.</p>;
  const options = axes.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <>
      <div className={styles.fields}>
        <Select label="Across" value={x.id} onChange={setX} options={options} />
        <Select label="Upwards" value={y.id} onChange={setY} options={options} />
      </div>
      {points.length > 0 ? (
        <Scatter label={`${y.name} against ${x.name}`} points={points} xName={x.name} yName={y.name} />
      ) : (
        <p>No run has both.</p>
      )}
    </>
  );
}

export function Drawn({ of }: { of: RunComparison }) {
  const axes = useMemo(() => axesOf(of), [of]);
  const numeric = useMemo(() => axes.filter(isNumeric), [axes]);
  const parallel = useMemo(() => parallelAxes(axes), [axes]);
  const names = useMemo(() => of.runs.map(short), [of.runs]);
  return (
    <>
      <Panel title="All at once">
        {parallel.length > 1 ? (
          <Parallel label="Parameters and metrics of each run" names={names} dimensions={parallel} />
        ) : (
          <p>Needs two things that differ.</p>
        )}
      </Panel>
      <Panel title="One against another">
        <Against runs={of.runs} axes={numeric} />
      </Panel>
    </>
  );
}

/** One metric of every run over its steps. */
export function CurvesOverlaid({ of: { runs, states } }: { of: RunComparison }) {
  const [wanted, setWanted] = useUrlState("curve");
  const known = useQuery(metricsQuery(runs[0] ?? "", false));
  const keys = (known.data?.metrics ?? []).filter(({ key }) => !key.includes(","));
  const key = keys.some((metric) => metric.key === wanted)
    ? wanted
    : (keys.find((metric) => metric.step > 0) ?? keys[0])?.key;
  const ended = states.every((state) => hasEnded({ state }));
  const found = useQuery(overlaidQuery(runs, key, ended));
  const lines = useMemo(
    () =>
      (found.data?.curves ?? []).map(({ run, steps, values }) => ({
        name: short(run),
        points: steps.map((step, at) => [step, values[at] ?? null] as const),
      })),
    [found.data],
  );
  const failed = found.data?.failed[0] ?? found.error ?? known.error;
  return (
    <Panel title="Curves">
      {key === undefined ? (
        <p>
          {failed ? failed.message : known.isPending ? "Reading the curves." : "The first run has logged no metric."}
        </p>
      ) : (
        <>
          <Select label="Metric" value={key} onChange={setWanted} options={keys.map((metric) => metric.key)} />
          {failed ? <p>{failed.message}</p> : null}
          {lines.length > 0 ? (
            <Lines label={`${key} of each run`} lines={lines} x="value" xName="step" height={300} />
          ) : failed ? null : (
            <p>{found.isPending ? "Reading the curves." : "No run has this metric."}</p>
          )}
        </>
      )}
    </Panel>
  );
}
