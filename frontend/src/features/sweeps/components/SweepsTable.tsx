/** The sweeps of an experiment. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { DataTable, type Column } from "../../../components/DataTable";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { number } from "../../../lib/numbers";
import { sweepsQuery, type SweepRead } from "../api";

const COLUMNS: Column<SweepRead>[] = [
  {
    id: "created",
    header: "Sweep",
    value: (row) => row.created_at,
    cell: (row) => (
      <Link to="/sweeps/$id" params={{ id: row.id }} title={row.id}>
        {row.id.slice(-8)}, <RelativeTime at={row.created_at} />
      </Link>
    ),
    width: "190px",
  },
  {
    id: "state",
    header: "State",
    value: ({ state }) => state,
    cell: ({ state }) => <State of={state} />,
    width: "120px",
  },
  { id: "trials", header: "Trials", value: ({ total }) => total, width: "90px", align: "end" },
  { id: "metric", header: "Towards", value: ({ spec }) => `${spec.objective.goal} ${spec.objective.metric}` },
  {
    id: "best",
    header: "Best",
    value: ({ best }) => best?.value,
    cell: ({ best }) => number(best?.value),
    align: "end",
  },
  {
    id: "reason",
    header: "Why it ended",
    value: ({ reason }) => reason,
    cell: ({ reason }) => <span title={reason}>{reason || "–"}</span>,
    width: "minmax(180px, 2fr)",
  },
];

export function SweepsTable({ experiment }: { experiment: string }) {
  const query = useInfiniteQuery(sweepsQuery(experiment));
  return (
    <Read query={query} what="the sweeps">
      {(rows) => (
        <DataTable
          name="sweeps"
          label="Sweeps"
          rows={rows}
          columns={COLUMNS}
          rowKey={({ id }) => id}
          empty="No sweep yet. A sweep tries one training with many parameters: start one above."
          onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
        />
      )}
    </Read>
  );
}
