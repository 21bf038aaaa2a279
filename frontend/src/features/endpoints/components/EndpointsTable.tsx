/** All endpoints: what answers, what is warm beside it, how much it is asked and how often it fails. */
import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { DataTable, type Column } from "../../../components/DataTable";
import { Tag } from "../../../components/Tag";
import { number, percent } from "../../../lib/numbers";
import { trafficQuery, type EndpointRead, type TrafficRead } from "../api";

interface Row {
  endpoint: EndpointRead;
  traffic: TrafficRead | undefined;
}

function errorShare({ traffic }: Row): number | undefined {
  const total = traffic?.together.total;
  return total && total.requests > 0 ? total.failed / total.requests : undefined;
}

const version = (of: number | null) => (of === null ? undefined : `v${of}`);

const COLUMNS: Column<Row>[] = [
  {
    id: "name",
    header: "Endpoint",
    value: ({ endpoint }) => endpoint.name,
    cell: ({ endpoint: { name } }) => (
      <Link to="/endpoints/$name" params={{ name }} title={name}>
        {name}
      </Link>
    ),
    width: "minmax(140px, 1.5fr)",
  },
  {
    id: "model",
    header: "Model",
    value: ({ endpoint }) => endpoint.model,
    cell: ({ endpoint: { model } }) => (
      <Link to="/models/$name" params={{ name: model }} title={model}>
        {model}
      </Link>
    ),
    width: "minmax(110px, 1fr)",
  },
  { id: "live", header: "Live", value: ({ endpoint }) => version(endpoint.live_version), width: "70px" },
  { id: "standby", header: "Standby", value: ({ endpoint }) => version(endpoint.standby_version), width: "90px" },
  {
    id: "rollout",
    header: "Rollout",
    value: ({ endpoint }) => (endpoint.rollout_id ? "under way" : "none"),
    cell: ({ endpoint: { rollout_id: id } }) =>
      id ? (
        <Link to="/rollouts/$id" params={{ id }}>
          <Tag tone="running">under way</Tag>
        </Link>
      ) : (
        "none"
      ),
    width: "110px",
  },
  {
    id: "rate",
    header: "Requests/s",
    hint: "In the last 30 seconds",
    value: ({ traffic }) => traffic?.together.now.requests_per_second,
    cell: ({ traffic }) => number(traffic?.together.now.requests_per_second),
    width: "110px",
    align: "end",
  },
  {
    id: "errors",
    header: "Errors",
    hint: "Share of the last hour's requests that failed on our side",
    value: errorShare,
    cell: (row) => percent(errorShare(row)),
    width: "90px",
    align: "end",
  },
  { id: "visibility", header: "Visibility", value: ({ endpoint }) => endpoint.settings.visibility, width: "110px" },
];

const dataOf = (results: readonly { data: TrafficRead | undefined }[]) => results.map(({ data }) => data);

export function EndpointsTable({ endpoints }: { endpoints: readonly EndpointRead[] }) {
  // Combined answers stay the same object while nothing in them changes.
  const traffic = useQueries({ queries: endpoints.map(({ name }) => trafficQuery(name)), combine: dataOf });
  const rows = useMemo(
    () => endpoints.map((endpoint, index) => ({ endpoint, traffic: traffic[index] })),
    [endpoints, traffic],
  );
  return (
    <DataTable
      label="Endpoints"
      rows={rows}
      columns={COLUMNS}
      rowKey={({ endpoint }) => endpoint.name}
      empty="No endpoint yet. Make one for a model: its champion answers there as soon as it has passed its gates."
    />
  );
}
