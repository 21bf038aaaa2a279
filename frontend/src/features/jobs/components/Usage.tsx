/** What the stages of a job took: wall and CPU time, memory, cost. */
import type { Schema } from "../../../client/types";
import { DataTable, type Column } from "../../../components/DataTable";
import { Panel } from "../../../components/Panel";
import { bytes, millis, number } from "../../../lib/numbers";

type Stage = Schema<"UsageRead">["stages"][number];

const seconds = (value: number) => millis(value * 1000);

const COLUMNS: Column<Stage>[] = [
  { id: "name", header: "Stage", value: ({ name }) => name, width: "minmax(120px, 1fr)" },
  { id: "attempt", header: "Attempt", value: ({ attempt }) => attempt, width: "80px", align: "end" },
  {
    id: "wall",
    header: "Wall",
    value: (row) => row.wall_seconds,
    cell: (row) => seconds(row.wall_seconds),
    width: "90px",
    align: "end",
  },
  {
    id: "cpu",
    header: "CPU",
    value: (row) => row.cpu_seconds,
    cell: (row) => seconds(row.cpu_seconds),
    width: "90px",
    align: "end",
  },
  {
    id: "peak",
    header: "Peak memory",
    value: (row) => row.peak_bytes,
    cell: (row) => bytes(row.peak_bytes),
    width: "110px",
    align: "end",
  },
  {
    id: "cost",
    header: "Cost",
    value: ({ cost }) => cost,
    cell: ({ cost }) => number(cost),
    width: "80px",
    align: "end",
  },
];

export function Usage({ usage }: { usage: Schema<"UsageRead"> | null }) {
  return (
    <Panel title="What it took" empty={!usage && "Nothing has been measured yet."}>
      {usage ? (
        <>
          <DataTable
            name="usage"
            label="Stages"
            rows={usage.stages}
            columns={COLUMNS}
            rowKey={(row) => `${row.attempt} ${row.name}`}
            empty=""
          />
          <p>
            In all {seconds(usage.wall_seconds)} wall, {seconds(usage.cpu_seconds)} CPU, at most{" "}
            {bytes(usage.peak_bytes)}
            {usage.cost === null ? "" : `, ${number(usage.cost)} ${usage.currency}`}.
          </p>
        </>
      ) : null}
    </Panel>
  );
}
