/** The metrics of a run: each with its values on the parts of the data beside each other. */
import { useMemo } from "react";
import { DataTable, type Column } from "../../../components/DataTable";
import { Panel } from "../../../components/Panel";
import { number } from "../../../lib/numbers";
import { sentence } from "../../../lib/text";
import type { RunDetail } from "../api";
import { byPart, type MetricRow } from "../columns";

const PARTS = ["train", "validation", "test", "other"] as const;

export function Metrics({ run }: { run: RunDetail }) {
  const rows = useMemo(() => byPart(run.metrics), [run.metrics]);
  const columns = useMemo(
    (): Column<MetricRow>[] => [
      {
        id: "name",
        header: "Metric",
        value: ({ name }) => name,
        cell: ({ name }) => <span title={name}>{name}</span>,
        width: "minmax(110px, 1fr)",
      },
      ...PARTS.filter((part) => rows.some((row) => row[part] !== undefined)).map((part): Column<MetricRow> => ({
        id: part,
        header: part === "other" ? "Value" : sentence(part),
        value: (row) => row[part],
        cell: (row) => number(row[part]),
        width: "minmax(80px, 1fr)",
        align: "end",
      })),
    ],
    [rows],
  );
  return (
    <Panel title="Metrics" count={rows.length}>
      <DataTable
        name="metrics"
        label="Metrics"
        rows={rows}
        columns={columns}
        rowKey={({ name }) => name}
        height="40vh"
        empty="None yet: they are there when the run has finished. Its curves are drawn as it goes."
      />
    </Panel>
  );
}
