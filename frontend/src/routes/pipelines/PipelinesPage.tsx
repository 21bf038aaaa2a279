/** All pipelines: what each builds, trains and promotes, and what sets it off. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useForbidden } from "../../client/access";
import { FormAction } from "../../components/Action";
import { CodeEditor } from "../../components/CodeEditor";
import { DataTable, type Column } from "../../components/DataTable";
import { linesOf } from "../../components/DocumentEditor";
import { TextField } from "../../components/Fields";
import { Page } from "../../components/Page";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { createPipeline, pipelinesQuery, type PipelineRead } from "../../features/pipelines/api";
import { triggerText } from "../../features/pipelines/triggers";

const EXAMPLE = `build: {dataset: bikes}
train: {dataset: bikes, trainer: gradient_boosting, task: regression, target: cnt}
model: bikes
triggers:
  - {on: dataset_version, dataset: bikes}
`;

const COLUMNS: Column<PipelineRead>[] = [
  {
    id: "name",
    header: "Pipeline",
    value: ({ name }) => name,
    cell: ({ name }) => (
      <Link to="/pipelines/$name" params={{ name }}>
        {name}
      </Link>
    ),
    width: "minmax(160px, 1fr)",
  },
  { id: "data", header: "From", value: ({ spec }) => spec.build.dataset, width: "minmax(110px, 1fr)" },
  { id: "trainer", header: "By", value: ({ spec }) => spec.train.trainer, width: "minmax(120px, 1fr)" },
  { id: "model", header: "To the model", value: ({ spec }) => spec.model, width: "minmax(110px, 1fr)" },
  {
    id: "triggers",
    header: "Set off by",
    value: ({ spec }) => spec.triggers.map(triggerText).join("; ") || "a person",
    width: "minmax(200px, 2fr)",
  },
  {
    id: "changed",
    header: "Changed",
    value: (row) => row.updated_at,
    cell: (row) => <RelativeTime at={row.updated_at} />,
    width: "120px",
  },
];

export function PipelinesPage() {
  const query = useInfiniteQuery(pipelinesQuery);
  const forbidden = useForbidden("write");
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [text, setText] = useState(EXAMPLE);
  return (
    <Page
      title="Pipelines"
      about="Build, check, train, check the model, promote, deploy: as data, with what sets it off."
      actions={
        <FormAction
          title="A new pipeline"
          submit="Create"
          kind="primary"
          forbidden={forbidden}
          call={name.trim() ? createPipeline(name.trim(), text) : undefined}
          fields={(refusal) => (
            <>
              <TextField label="Name" value={name} onChange={setName} required autoFocus />
              <CodeEditor label="The pipeline (YAML)" value={text} onChange={setText} errors={linesOf(refusal, text)} />
            </>
          )}
          onDone={(made) => void navigate({ to: "/pipelines/$name", params: { name: made.name } })}
        >
          New pipeline
        </FormAction>
      }
    >
      <Read query={query} what="the pipelines">
        {(rows) => (
          <DataTable
            label="Pipelines"
            rows={rows}
            columns={COLUMNS}
            rowKey={(row) => row.name}
            empty="No pipeline yet. One pipeline turns the whole loop: new data or drift sets it off, the gates decide."
          />
        )}
      </Read>
    </Page>
  );
}
