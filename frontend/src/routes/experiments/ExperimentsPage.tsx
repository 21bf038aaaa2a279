/** All experiments. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useForbidden } from "../../client/access";
import { FormAction } from "../../components/Action";
import { DataTable, type Column } from "../../components/DataTable";
import { TextArea, TextField } from "../../components/Fields";
import { Page } from "../../components/Page";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { createExperiment, experimentsQuery, type ExperimentRead } from "../../features/experiments/api";
import { number } from "../../lib/numbers";

const COLUMNS: Column<ExperimentRead>[] = [
  {
    id: "name",
    header: "Experiment",
    value: ({ name }) => name,
    cell: ({ name }) => (
      <Link to="/experiments/$name" params={{ name }} title={name}>
        {name}
      </Link>
    ),
    width: "minmax(160px, 1fr)",
  },
  {
    id: "runs",
    header: "Runs",
    value: ({ runs }) => runs,
    cell: ({ runs }) => number(runs),
    width: "90px",
    align: "end",
  },
  {
    id: "description",
    header: "About",
    value: ({ description }) => description,
    cell: ({ description }) => <span title={description}>{description || "–"}</span>,
    width: "minmax(200px, 2fr)",
  },
  { id: "by", header: "By", value: (row) => row.created_by, width: "120px" },
  {
    id: "created",
    header: "Created",
    value: (row) => row.created_at,
    cell: (row) => <RelativeTime at={row.created_at} />,
    width: "120px",
  },
];

function Create() {
  const forbidden = useForbidden("write");
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  return (
    <FormAction
      title="A new experiment"
      submit="Create"
      kind="primary"
      size="small"
      forbidden={forbidden}
      call={name.trim() ? createExperiment(name.trim(), description.trim()) : undefined}
      onDone={(made) => void navigate({ to: "/experiments/$name", params: { name: made.name } })}
      fields={
        <>
          <TextField label="Name" value={name} onChange={setName} required autoFocus help="As bikes or churn-2026." />
          <TextArea label="What it is about" value={description} onChange={setDescription} rows={3} />
        </>
      }
    >
      New experiment
    </FormAction>
  );
}

export function ExperimentsPage() {
  const query = useInfiniteQuery(experimentsQuery);
  return (
    <Page
      title="Experiments"
      about={
        <>
          Runs by what they are trying to find out. <Link to="/runs">All runs</Link>
        </>
      }
      actions={<Create />}
    >
      <Read query={query} what="the experiments">
        {(rows) => (
          <DataTable
            label="Experiments"
            rows={rows}
            columns={COLUMNS}
            rowKey={({ name }) => name}
            empty="No experiment yet. Create one, then train in it."
            onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
          />
        )}
      </Read>
    </Page>
  );
}
