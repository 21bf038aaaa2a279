/** Slices of the frozen rows with their metric, and how much worse than on all rows it is. */
import { DataTable, type Column } from "../../../components/DataTable";
import { end } from "../../../lib/bounds";
import { number, percent } from "../../../lib/numbers";
import type { CheckResult } from "../api";

type Slice = CheckResult["slices"][number];

const name = ({ column, value }: Slice) => (column === "named" ? value : `${column} = ${value}`);
const bound = (value: number | null | undefined) => (end(value) === null ? "no bound" : percent(value));

const COLUMNS: Column<Slice>[] = [
  {
    id: "slice",
    header: "Slice",
    value: name,
    cell: (slice) => <span title={name(slice)}>{name(slice)}</span>,
    width: "minmax(160px, 2fr)",
  },
  {
    id: "rows",
    header: "Rows",
    value: ({ rows }) => rows,
    cell: ({ rows }) => number(rows),
    align: "end",
    width: "80px",
  },
  {
    id: "metric",
    header: "Metric",
    value: ({ metric }) => metric,
    cell: ({ metric }) => number(metric),
    align: "end",
    width: "100px",
  },
  {
    id: "gap",
    header: "Worse by",
    hint: "Relative loss against all rows; positive is worse",
    value: ({ gap }) => gap,
    cell: ({ gap }) => percent(gap),
    align: "end",
    width: "100px",
  },
  {
    id: "interval",
    header: "Interval",
    value: ({ low }) => low,
    cell: ({ low, high }) => (low === null || low === undefined ? "–" : `${bound(low)} to ${bound(high)}`),
    width: "160px",
  },
  {
    id: "p",
    header: "p (adjusted)",
    hint: "Corrected for all slices that were looked at",
    value: (slice) => slice.p_value,
    cell: (slice) => number(slice.p_value),
    align: "end",
    width: "110px",
  },
  {
    id: "judged",
    header: "Judged",
    hint: "Smaller slices than the policy asks for are shown and not judged",
    value: ({ judged }) => judged,
    width: "80px",
  },
];

export function SlicesTable({ slices, name: of }: { slices: readonly Slice[]; name: string }) {
  return (
    <DataTable
      label={`Slices of ${of}`}
      name={`slices-${of.replaceAll(/\W+/g, "-")}-`}
      rows={slices}
      columns={COLUMNS}
      rowKey={name}
      empty="No slices."
      height="320px"
    />
  );
}
