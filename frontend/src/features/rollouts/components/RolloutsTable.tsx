/** Rollouts of an endpoint, newest first, each with why it went as it went. */
import { Link } from "@tanstack/react-router";
import { DataTable, type Column } from "../../../components/DataTable";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { toneOf } from "../../../lib/states";
import { words } from "../../../lib/text";
import type { RolloutRead } from "../api";

const COLUMNS: Column<RolloutRead>[] = [
  {
    id: "version",
    header: "Version",
    value: ({ version }) => version,
    cell: ({ id, version, blue_version: blue }) => (
      <Link to="/rollouts/$id" params={{ id }}>
        {blue === null ? "" : `v${blue} → `}v{version}
      </Link>
    ),
    width: "100px",
  },
  {
    id: "state",
    header: "State",
    value: ({ state }) => words(state),
    cell: ({ state }) => <State of={state} />,
    width: "120px",
  },
  { id: "strategy", header: "Strategy", value: ({ strategy }) => words(strategy.strategy), width: "110px" },
  {
    id: "step",
    header: "Step",
    value: ({ step, steps }) => (steps.length > 0 ? `${Math.min(step + 1, steps.length)} of ${steps.length}` : ""),
    width: "80px",
  },
  {
    id: "reason",
    header: "Why",
    value: ({ reason }) => reason,
    cell: ({ reason }) => <span title={reason}>{reason || "–"}</span>,
    width: "minmax(180px, 3fr)",
  },
  { id: "by", header: "By", value: (row) => row.started_by, width: "minmax(90px, 1fr)" },
  {
    id: "started",
    header: "Started",
    value: (row) => row.started_at,
    cell: (row) => <RelativeTime at={row.started_at} />,
    width: "120px",
  },
];

export function RolloutsTable({ rollouts, onMore }: { rollouts: readonly RolloutRead[]; onMore?: () => void }) {
  return (
    <DataTable
      name="rollouts"
      label="Rollouts"
      rows={rollouts}
      columns={COLUMNS}
      rowKey={({ id }) => id}
      tone={({ state }) => (toneOf(state) === "failed" ? "failed" : undefined)}
      empty="None yet. A rollout begins when a version is promoted, or when somebody starts one."
      height="50vh"
      onMore={onMore}
    />
  );
}
