/** Batches, newest first: how far each is, and the version it came to. */
import { Link } from "@tanstack/react-router";
import { DataTable, type Column } from "../../../components/DataTable";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { Subject } from "../../../components/Subject";
import { number } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import type { BatchRead } from "../api";

/** "bikes@3" -> "datasets/bikes/versions/3", as subjects are written. */
const subject = (noun: string, ref: string) => `${noun}/${ref.replace("@", "/versions/")}`;

const COLUMNS: Column<BatchRead>[] = [
  {
    id: "state",
    header: "State",
    value: ({ state }) => state,
    cell: ({ state, job_id: id }) => (
      <Link to="/jobs/$id" params={{ id }} title="Its job, with the log">
        <State of={state} />
      </Link>
    ),
    width: "120px",
  },
  {
    id: "input",
    header: "Rows of",
    value: ({ input }) => input,
    cell: ({ input }) => <Subject of={subject("datasets", input)} />,
    width: "minmax(120px, 1fr)",
  },
  {
    id: "model",
    header: "By",
    value: ({ model }) => model,
    cell: ({ model }) => <Subject of={subject("models", model)} />,
    width: "minmax(120px, 1fr)",
  },
  {
    id: "rows",
    header: "Scored",
    value: (row) => row.rows_scored,
    cell: ({ rows, rows_scored: scored }) =>
      rows === null || rows === scored ? number(scored) : `${number(scored)} of ${number(rows)}`,
    width: "120px",
    align: "end",
  },
  {
    id: "bad",
    header: "No answer",
    hint: "Rows that the model could not take",
    value: (row) => row.bad_rows,
    cell: ({ bad_rows: count, bad }) => (
      <span title={bad.map(({ row, reason }) => `Row ${row}: ${reason}`).join("\n")}>{number(count)}</span>
    ),
    width: "100px",
    align: "end",
  },
  {
    id: "output",
    header: "Came to",
    value: ({ output }) => output,
    cell: ({ output, ask }) => (output ? <Subject of={subject("datasets", output)} /> : `${ask.into}, not yet`),
    width: "minmax(130px, 1fr)",
  },
  { id: "by", header: "Asked by", value: (row) => row.created_by, width: "minmax(90px, 1fr)" },
  {
    id: "at",
    header: "Asked",
    value: (row) => row.created_at,
    cell: (row) => <RelativeTime at={row.created_at} />,
    width: "120px",
  },
];

export function BatchesTable({
  batches,
  onMore,
}: {
  batches: readonly BatchRead[];
  onMore?: (() => void) | undefined;
}) {
  return (
    <DataTable
      label="Batch predictions"
      rows={batches}
      columns={COLUMNS}
      rowKey={({ id }) => id}
      tone={({ state }) => (toneOf(state) === "failed" ? "failed" : undefined)}
      empty="None yet. A batch scores every row of a data version into a version of another dataset."
      onMore={onMore}
    />
  );
}
