/** Every turn of a pipeline: what set it off and how it ended. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { DataTable, type Column } from "../../../components/DataTable";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { words } from "../../../lib/text";
import { pipelineRunsQuery, type PipelineRunRead } from "../api";

const current = ({ steps }: PipelineRunRead) => steps.find(({ state }) => state === "running")?.name;

const COLUMNS: Column<PipelineRunRead>[] = [
  {
    id: "started",
    header: "Started",
    value: ({ started_at: at }) => at,
    cell: ({ id, started_at: at }) => (
      <Link to="/pipeline-runs/$id" params={{ id }}>
        <RelativeTime at={at} />
      </Link>
    ),
    width: "130px",
  },
  {
    id: "state",
    header: "State",
    value: ({ state }) => state,
    cell: ({ state }) => <State of={state} />,
    width: "120px",
  },
  { id: "step", header: "At", value: (run) => words(current(run) ?? ""), width: "110px" },
  { id: "trigger", header: "Set off by", value: ({ trigger }) => words(trigger), width: "130px" },
  {
    id: "why",
    header: "Why",
    value: (run) => run.trigger_reason,
    cell: (run) => <span title={run.trigger_reason}>{run.trigger_reason}</span>,
    width: "minmax(180px, 1fr)",
  },
  {
    id: "reason",
    header: "How it ended",
    value: ({ reason }) => reason,
    cell: ({ reason }) => <span title={reason}>{reason || "–"}</span>,
    width: "minmax(220px, 2fr)",
  },
  { id: "by", header: "By", value: (run) => run.started_by, width: "110px", optional: true },
];

export function RunsTable({ pipeline }: { pipeline: string }) {
  const query = useInfiniteQuery(pipelineRunsQuery(pipeline));
  return (
    <Read query={query} what="the runs">
      {(rows) => (
        <DataTable
          label="Runs"
          rows={rows}
          columns={COLUMNS}
          rowKey={({ id }) => id}
          tone={({ state }) => (state === "failed" ? "failed" : undefined)}
          empty="It has never run: start it by hand, or wait for a trigger."
          onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
        />
      )}
    </Read>
  );
}
