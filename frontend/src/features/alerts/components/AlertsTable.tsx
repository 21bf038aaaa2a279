/** Every alert there was, filtered on the server. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { DataTable, type Column } from "../../../components/DataTable";
import { Select } from "../../../components/Fields";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { Tag } from "../../../components/Tag";
import { sentence, words } from "../../../lib/text";
import { useUrlState } from "../../../lib/urlState";
import { ALERT_KINDS, ALERT_STATES, SEVERITIES, alertsQuery, oneOf, type AlertRead } from "../api";
import { severityTone } from "../severity";
import styles from "./AlertActions.module.css";

const COLUMNS: Column<AlertRead>[] = [
  {
    id: "kind",
    header: "What",
    value: ({ kind }) => sentence(kind),
    cell: ({ id, kind }) => (
      <Link to="/alerts/$id" params={{ id }}>
        {sentence(kind)}
      </Link>
    ),
    width: "120px",
  },
  { id: "about", header: "About", value: ({ endpoint, model }) => endpoint ?? model, width: "minmax(100px, 0.6fr)" },
  {
    id: "severity",
    header: "Severity",
    value: ({ severity }) => severity,
    cell: ({ severity }) => <Tag tone={severityTone(severity)}>{severity}</Tag>,
    width: "95px",
  },
  {
    id: "state",
    header: "State",
    value: ({ state }) => state,
    cell: ({ state }) => <State of={state} />,
    width: "130px",
  },
  {
    id: "reason",
    header: "Why",
    value: ({ reason }) => reason,
    cell: ({ reason }) => <span title={reason}>{reason}</span>,
    width: "minmax(220px, 2fr)",
  },
  {
    id: "note",
    header: "Note",
    value: ({ note }) => note,
    cell: ({ note }) => <span title={note ?? ""}>{note ?? "–"}</span>,
    width: "minmax(120px, 1fr)",
    optional: true,
  },
  { id: "times", header: "Times", value: ({ occurrences }) => occurrences, width: "80px", align: "end" },
  {
    id: "opened",
    header: "Opened",
    value: ({ opened_at: at }) => at,
    cell: ({ opened_at: at }) => <RelativeTime at={at} />,
    width: "120px",
  },
  {
    id: "seen",
    header: "Last seen",
    value: ({ last_seen_at: at }) => at,
    cell: ({ last_seen_at: at }) => <RelativeTime at={at} />,
    width: "120px",
  },
  { id: "by", header: "Seen by", value: ({ acknowledged_by: by }) => by, width: "110px", optional: true },
  { id: "over", header: "Resolved by", value: ({ resolved_by: by }) => by, width: "110px", optional: true },
];

const choices = (all: readonly string[]) => [
  { value: "", label: "all" },
  ...all.map((value) => ({ value, label: words(value) })),
];

export function AlertsTable({ endpoints }: { endpoints: readonly string[] }) {
  const [state, setState] = useUrlState("state");
  const [kind, setKind] = useUrlState("kind");
  const [severity, setSeverity] = useUrlState("severity");
  const [endpoint, setEndpoint] = useUrlState("endpoint");
  const filters = {
    state: oneOf(ALERT_STATES, state),
    kind: oneOf(ALERT_KINDS, kind),
    severity: oneOf(SEVERITIES, severity),
    endpoint: endpoint || undefined,
  };
  const said = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
  const query = useInfiniteQuery(alertsQuery(said));
  const filtered = Object.keys(said).length > 0;
  return (
    <>
      <div className={styles.actions}>
        <Select label="State" value={state} onChange={setState} options={choices(ALERT_STATES)} />
        <Select label="Kind" value={kind} onChange={setKind} options={choices(ALERT_KINDS)} />
        <Select label="Severity" value={severity} onChange={setSeverity} options={choices(SEVERITIES)} />
        <Select
          label="Endpoint"
          value={endpoint}
          onChange={setEndpoint}
          options={[{ value: "", label: "all" }, ...new Set([...endpoints, ...(endpoint ? [endpoint] : [])])]}
        />
      </div>
      <Read query={query} what="the alerts">
        {(rows) => (
          <DataTable
            label="Alerts"
            rows={rows}
            columns={COLUMNS}
            rowKey={({ id }) => id}
            tone={({ severity: of, state: at }) => (at === "open" && of === "error" ? "failed" : undefined)}
            empty={filtered ? "No alert is like that." : "No alert has ever been opened."}
            onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
          />
        )}
      </Read>
    </>
  );
}
