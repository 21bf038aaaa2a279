/** The promotions of a model: what was asked for, what became of it and why. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { DataTable, type Column } from "../../../components/DataTable";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { plainly } from "../../../lib/bounds";
import { toneOf } from "../../../lib/states";
import { promotionsQuery, type Promotion } from "../api";
import { gatesOf, refuses } from "../gates";

const against = (promotion: Promotion) =>
  gatesOf(promotion)
    .filter(refuses)
    .map(({ name }) => name)
    .join(", ");

const COLUMNS: Column<Promotion>[] = [
  {
    id: "version",
    header: "Version",
    value: ({ version }) => version,
    cell: ({ id, version }) => (
      <Link to="/promotions/$id" params={{ id }}>
        v{version}
      </Link>
    ),
    width: "80px",
  },
  {
    id: "state",
    header: "State",
    value: ({ state }) => state,
    cell: ({ state }) => <State of={state} />,
    width: "150px",
  },
  {
    id: "against",
    header: "Refused by",
    value: against,
    cell: (promotion) => <span title={against(promotion)}>{against(promotion) || "–"}</span>,
    width: "minmax(140px, 1fr)",
  },
  { id: "champion", header: "Champion then", value: (one) => one.champion_version, width: "120px" },
  {
    id: "reason",
    header: "Why",
    value: ({ reason }) => reason,
    cell: ({ reason }) => <span title={plainly(reason)}>{plainly(reason)}</span>,
    width: "minmax(240px, 3fr)",
  },
  { id: "by", header: "Asked by", value: (one) => one.requested_by, width: "110px" },
  {
    id: "at",
    header: "Asked",
    value: (one) => one.requested_at,
    cell: (one) => <RelativeTime at={one.requested_at} />,
    width: "120px",
  },
];

export function PromotionsTable({ name }: { name: string }) {
  const query = useInfiniteQuery(promotionsQuery(name));
  return (
    <Panel title="Promotions">
      <Read query={query} what="the promotions">
        {(promotions) => (
          <DataTable
            label="Promotions"
            name="promotion"
            rows={promotions}
            columns={COLUMNS}
            rowKey={({ id }) => id}
            empty="Nobody has asked for one yet. The page of a version has the button."
            tone={({ state }) => toneOf(state)}
            onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            height="420px"
          />
        )}
      </Read>
    </Panel>
  );
}
