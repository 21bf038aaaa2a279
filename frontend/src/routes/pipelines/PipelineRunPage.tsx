/** One turn of a pipeline: its steps live, what each made, and their logs. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Suspense, useMemo } from "react";
import { useForbidden } from "../../client/access";
import { Action } from "../../components/Action";
import { CopyId } from "../../components/Copy";
import { Facts } from "../../components/Facts";
import { Notice } from "../../components/Notice";
import { Columns, Page, Stack } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { JobLog } from "../../features/jobs/components/JobLog";
import { cancelRun, pipelineRunQuery, type PipelineRunRead } from "../../features/pipelines/api";
import { StepFacts } from "../../features/pipelines/components/StepFacts";
import { runGraph } from "../../features/pipelines/graph";
import { later } from "../../lib/later";
import { useUrlState } from "../../lib/urlState";

const Graph = later(() => import("../../components/Graph"));
const route = getRouteApi("/pipeline-runs/$id");
const ENDED = ["succeeded", "failed", "cancelled"];

function Body({ run }: { run: PipelineRunRead }) {
  const { nodes, edges } = useMemo(() => runGraph(run), [run]);
  const active = run.steps.find(({ state }) => state === "running" || state === "failed") ?? run.steps[0];
  const [chosen, setChosen] = useUrlState("step");
  const step = run.steps.find(({ name }) => name === chosen) ?? active;
  const job = typeof step?.output.job_id === "string" ? step.output.job_id : undefined;
  return (
    <>
      <Suspense fallback={<div style={{ height: 200 }} />}>
        <Graph
          label="Steps"
          nodes={nodes}
          edges={edges}
          height={200}
          {...(step ? { focus: step.name } : {})}
          onOpen={setChosen}
        />
      </Suspense>
      <Columns>
        <Stack>
          {step ? <StepFacts step={step} /> : null}
          {job ? <JobLog key={job} id={job} /> : null}
        </Stack>
        <Panel title="The run">
          <Facts
            of={{
              "Set off by": run.trigger,
              Why: run.trigger_reason,
              By: run.started_by,
              Started: <RelativeTime at={run.started_at} />,
              Ended: run.ended_at && <RelativeTime at={run.ended_at} />,
            }}
          />
        </Panel>
      </Columns>
    </>
  );
}

export function PipelineRunPage() {
  const { id } = route.useParams();
  const query = useQuery(pipelineRunQuery(id));
  const forbidden = useForbidden("write");
  return (
    <Read query={query} what="the run" instead={{ label: "All pipelines", to: "/pipelines" }}>
      {(run) => (
        <Page
          title={`A run of ${run.pipeline}`}
          crumbs={[
            { label: "Pipelines", to: "/pipelines" },
            { label: run.pipeline, to: `/pipelines/${encodeURIComponent(run.pipeline)}` },
          ]}
          marks={
            <>
              <State of={run.state} />
              <CopyId id={run.id} noun="run" />
            </>
          }
          actions={
            ENDED.includes(run.state) ? null : (
              <Action
                call={cancelRun(id)}
                kind="danger"
                forbidden={forbidden}
                confirm={{
                  title: "Cancel this run?",
                  say: "No further step begins, and the work under way is stopped.",
                  button: "Cancel it",
                }}
              >
                Cancel
              </Action>
            )
          }
        >
          {run.reason ? (
            <Notice
              tone={run.state === "failed" ? "failed" : run.state === "succeeded" ? "ok" : "idle"}
              title={run.reason}
            >
              {run.state === "failed" ? (
                <p>Look at the step that failed below. A new run starts from the first step.</p>
              ) : null}
            </Notice>
          ) : null}
          <Body run={run} />
        </Page>
      )}
    </Read>
  );
}
