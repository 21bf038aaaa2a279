/** Quality on ground truth over time, against what it was in training; how much truth there is, and how late it comes. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Lines, type Line } from "../../../components/charts/Lines";
import { DataTable, type Column } from "../../../components/DataTable";
import { Stat, Stats } from "../../../components/Facts";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { millis, number, percent } from "../../../lib/numbers";
import { duration } from "../../../lib/time";
import { performanceQuery, type WindowRead } from "../api";

type Quality = NonNullable<WindowRead["performance"]>;
interface Measured {
  id: string;
  at: string;
  version: number | null;
  endpoint: string;
  quality: Quality;
}

/** Windows whose quality is known, the oldest first. */
function measured(endpoint: string, windows: readonly WindowRead[]): Measured[] {
  return windows
    .flatMap(({ id, version, performance, last_at: last, closed_at: closed, opened_at: opened }) =>
      performance ? [{ id, version, endpoint, at: last ?? closed ?? opened, quality: performance }] : [],
    )
    .toSorted((one, other) => (one.at < other.at ? -1 : 1));
}

const late = (seconds: number | null | undefined) =>
  seconds === null || seconds === undefined ? "–" : seconds < 60 ? millis(seconds * 1000) : duration(seconds);

export function PerformanceTab({ name }: { name: string }) {
  const query = useQuery(performanceQuery(name));
  return (
    <Read query={query} what="the performance">
      {(windows) => <Performance name={name} windows={windows} />}
    </Read>
  );
}

function Performance({ name, windows }: { name: string; windows: readonly WindowRead[] }) {
  const known = useMemo(() => measured(name, windows), [name, windows]);
  const newest = known.at(-1);
  const lines = useMemo((): Line[] => {
    const metric = known.at(-1)?.quality.metric ?? "metric";
    const same = known.filter(({ quality }) => quality.metric === metric);
    return [
      { name: metric, points: same.map(({ at, quality }) => [at, quality.value]) },
      {
        name: "reference (training)",
        points: same.map(({ at, quality }) => [at, quality.reference]),
        dashed: true,
        tone: "idle",
      },
    ];
  }, [known]);
  const shares = useMemo(
    (): Line[] => [
      {
        name: "labelled",
        points: known.map(({ at, quality: { labelled, rows } }) => [at, rows ? labelled / rows : 0]),
      },
    ],
    [known],
  );
  if (!newest)
    return (
      <Panel
        title="Performance"
        empty={`No quality is known yet: send what turned out to be true to POST /api/v1/endpoints/${name}/ground-truth. A window is measured when enough of its rows have it; the policy says how many.`}
      />
    );
  const { metric, value, reference, loss, degraded, labelled, rows, delay_seconds: delay } = newest.quality;
  return (
    <Stack>
      <Stats>
        <Stat
          label={`${metric}, newest window`}
          value={number(value)}
          note={
            degraded ? "Lost: roll back if the last switch caused it, else retrain" : "within what the policy allows"
          }
          tone={degraded ? "failed" : "ok"}
        />
        <Stat
          label="In training"
          value={number(reference)}
          note={loss === null ? "nothing to compare with" : `${percent(loss)} loss against it`}
        />
        <Stat
          label="Labelled"
          value={percent(rows ? labelled / rows : 0)}
          note={`${number(labelled)} of ${number(rows)} rows`}
        />
        <Stat label="Truth comes after" value={late(delay)} note="median, from prediction to truth" />
      </Stats>
      <Panel title={`${metric} over time`}>
        <Lines label={`${metric} by window against its reference`} lines={lines} x="time" height={260} />
      </Panel>
      <Panel title="Share of rows with ground truth">
        <Lines label="Labelled share by window" lines={shares} x="time" height={140} fromZero format={asShare} />
      </Panel>
      <DataTable
        label="Windows with known quality"
        name="p"
        rows={[...known].reverse()}
        columns={COLUMNS}
        rowKey={({ id }) => id}
        tone={({ quality }) => (quality.degraded ? "failed" : undefined)}
        empty="None yet."
      />
    </Stack>
  );
}

const asShare = (share: number) => percent(share, 0);

const COLUMNS: Column<Measured>[] = [
  {
    id: "at",
    header: "Window",
    value: ({ at }) => at,
    cell: ({ id, at, endpoint }) => (
      <Link to="/monitoring/$name" params={{ name: endpoint }} search={{ window: id } as never}>
        <RelativeTime at={at} />
      </Link>
    ),
    width: "130px",
  },
  { id: "version", header: "Version", value: ({ version }) => version, width: "90px", align: "end" },
  {
    id: "verdict",
    header: "Quality",
    value: ({ quality }) => (quality.degraded ? "degraded" : "holds"),
    cell: ({ quality }) => (
      <Tag tone={quality.degraded ? "failed" : "ok"}>{quality.degraded ? "degraded" : "holds"}</Tag>
    ),
    width: "110px",
  },
  { id: "metric", header: "Metric", value: ({ quality }) => quality.metric, width: "100px" },
  {
    id: "value",
    header: "Value",
    value: ({ quality }) => quality.value,
    cell: ({ quality }) => number(quality.value),
    width: "minmax(90px, 1fr)",
    align: "end",
  },
  {
    id: "reference",
    header: "Reference",
    value: ({ quality }) => quality.reference,
    cell: ({ quality }) => number(quality.reference),
    width: "minmax(90px, 1fr)",
    align: "end",
  },
  {
    id: "loss",
    header: "Loss",
    value: ({ quality }) => quality.loss,
    cell: ({ quality }) => percent(quality.loss),
    width: "minmax(90px, 1fr)",
    align: "end",
  },
  {
    id: "labelled",
    header: "Labelled",
    value: ({ quality: { labelled, rows } }) => (rows ? labelled / rows : 0),
    cell: ({ quality: { labelled, rows } }) => `${number(labelled)} of ${number(rows)}`,
    width: "130px",
    align: "end",
  },
  {
    id: "delay",
    header: "Truth after",
    value: ({ quality }) => quality.delay_seconds,
    cell: ({ quality }) => late(quality.delay_seconds),
    width: "110px",
    align: "end",
  },
];
