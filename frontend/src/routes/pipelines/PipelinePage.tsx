/** One pipeline: its steps with the state of the newest run, its runs, its text. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Suspense, useMemo, useState } from "react";
import { useForbidden } from "../../client/access";
import { FormAction } from "../../components/Action";
import { DocumentEditor } from "../../components/DocumentEditor";
import { TextField } from "../../components/Fields";
import { Page } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { Tabs } from "../../components/Tabs";
import {
  pipelineQuery,
  pipelineRunsQuery,
  putPipeline,
  startRun,
  type PipelineRead,
} from "../../features/pipelines/api";
import { RunsTable } from "../../features/pipelines/components/RunsTable";
import { runGraph, specGraph } from "../../features/pipelines/graph";
import { triggerText } from "../../features/pipelines/triggers";
import { later } from "../../lib/later";
import { brief, toYaml } from "../../lib/yaml";

const Graph = later(() => import("../../components/Graph"));
const route = getRouteApi("/pipelines/$name");

function Picture({ pipeline }: { pipeline: PipelineRead }) {
  const newest = useInfiniteQuery(pipelineRunsQuery(pipeline.name)).data?.[0];
  const { nodes, edges } = useMemo(() => (newest ? runGraph(newest) : specGraph(pipeline)), [newest, pipeline]);
  return (
    <Panel title={newest ? "The newest run" : "What a run will do"}>
      {newest ? (
        <p>
          <State of={newest.state} /> <RelativeTime at={newest.started_at} /> {newest.reason || newest.trigger_reason}
        </p>
      ) : null}
      <Suspense fallback={<div style={{ height: 200 }} />}>
        <Graph label={`Steps of ${pipeline.name}`} nodes={nodes} edges={edges} height={200} />
      </Suspense>
    </Panel>
  );
}

function Start({ name }: { name: string }) {
  const forbidden = useForbidden("write");
  const navigate = useNavigate();
  const [reason, setReason] = useState("asked by a person");
  return (
    <FormAction
      title={`Run ${name} now`}
      submit="Run"
      kind="primary"
      size="small"
      forbidden={forbidden}
      call={startRun(name, reason)}
      fields={<TextField label="Why" value={reason} onChange={setReason} help="It stays in the audit trail." />}
      onDone={({ id }) => void navigate({ to: "/pipeline-runs/$id", params: { id } })}
    >
      Run now
    </FormAction>
  );
}

export function PipelinePage() {
  const { name } = route.useParams();
  const query = useQuery(pipelineQuery(name));
  const forbidden = useForbidden("write");
  return (
    <Read query={query} what="the pipeline" instead={{ label: "All pipelines", to: "/pipelines" }}>
      {(pipeline) => (
        <Page
          title={name}
          crumbs={[{ label: "Pipelines", to: "/pipelines" }]}
          about={`Set off by ${pipeline.spec.triggers.map(triggerText).join("; ") || "a person"}`}
          actions={<Start name={name} />}
        >
          <Picture pipeline={pipeline} />
          <Tabs
            label="Parts of the pipeline"
            parts={[
              { id: "runs", label: "Runs", show: () => <RunsTable pipeline={name} /> },
              {
                id: "text",
                label: "Pipeline as text",
                show: () => (
                  <DocumentEditor
                    what="The pipeline"
                    stored={{ text: toYaml(brief(pipeline.spec)), version: pipeline.revision }}
                    save={(text, revision) => putPipeline(name, text, revision)}
                    forbidden={forbidden}
                    help="Runs under way keep what they started with."
                  />
                ),
              },
            ]}
          />
        </Page>
      )}
    </Read>
  );
}
