/** One run: what was asked, on which data, what came out, and what can be made of it. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useForbidden } from "../../client/access";
import { Action } from "../../components/Action";
import { CopyId } from "../../components/Copy";
import { Facts } from "../../components/Facts";
import { Json } from "../../components/Json";
import { Notice } from "../../components/Notice";
import { Columns, Page, Stack } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { Tabs } from "../../components/Tabs";
import { JobLog } from "../../features/jobs/components/JobLog";
import { Usage } from "../../features/jobs/components/Usage";
import { hasEnded, reproduce, runQuery, type RunDetail } from "../../features/runs/api";
import { plain } from "../../features/runs/columns";
import { Artifacts } from "../../features/runs/components/Artifacts";
import { Curves } from "../../features/runs/components/Curves";
import { Importances } from "../../features/runs/components/Importances";
import { Metrics } from "../../features/runs/components/Metrics";
import { Register } from "../../features/runs/components/Register";
import { Reproductions } from "../../features/runs/components/Reproductions";
import { duration } from "../../lib/time";
import { useUrlState } from "../../lib/urlState";

const route = getRouteApi("/runs/$id");

function Origin({ run }: { run: RunDetail }) {
  const { spec, package: built } = run;
  return (
    <>
      <Panel title="Made from">
        <Facts
          of={{
            Data: (
              <Link
                to="/datasets/$name/versions/$number"
                params={{ name: run.dataset, number: String(run.dataset_version) }}
              >
                {run.dataset} v{run.dataset_version}
              </Link>
            ),
            Digest: run.dataset_digest,
            Trainer: run.trainer,
            Task: spec.task,
            Target: spec.target,
            Features: spec.features ? spec.features.join(", ") : "every column but the target",
            Seed: String(run.seed),
            Code: run.code_commit ?? "not said",
            Sweep: run.sweep_id && (
              <Link to="/sweeps/$id" params={{ id: run.sweep_id }}>
                {run.trial === null ? "its sweep" : `trial ${run.trial}`}
              </Link>
            ),
            Pipeline: run.turn && (
              <Link to="/pipeline-runs/$id" params={{ id: run.turn.pipeline_run_id }}>
                {run.turn.pipeline}
              </Link>
            ),
            Repeats: run.reproduces && (
              <Link to="/runs/$id" params={{ id: run.reproduces }}>
                run {run.reproduces.slice(-8)}
              </Link>
            ),
            By: run.created_by,
            Created: <RelativeTime at={run.created_at} />,
            Took: run.duration_seconds == null ? undefined : duration(run.duration_seconds),
          }}
        />
      </Panel>
      <Panel title="Parameters" empty={Object.keys(run.params).length === 0 && "The trainer's own values."}>
        <Facts
          of={Object.fromEntries(
            Object.entries(run.params).map(([name, value]) => [name, String(plain(value) ?? "null")]),
          )}
        />
      </Panel>
      <Panel title="Served as" empty={!built && "Nothing yet: it is packaged when it has been trained."}>
        {built ? (
          <Facts
            of={{
              Flavor: built.flavor,
              Why: built.reason,
              Digest: run.package_digest,
              Files: built.files.map(({ path }) => path).join(", "),
            }}
          />
        ) : null}
      </Panel>
      <Panel title="Environment" empty={Object.keys(run.environment).length === 0 && "Not known before it has run."}>
        <Facts of={run.environment} />
      </Panel>
    </>
  );
}

function Parts({ run }: { run: RunDetail }) {
  const live = !hasEnded(run);
  return (
    <Tabs
      label="Parts of the run"
      parts={[
        {
          id: "results",
          label: "Results",
          show: () => (
            <Columns>
              <Stack>
                <Metrics run={run} />
                <Curves id={run.id} live={live} />
                <Importances of={run.importances} />
              </Stack>
              <Stack>
                <Origin run={run} />
              </Stack>
            </Columns>
          ),
        },
        { id: "files", label: "Files", show: () => <Artifacts id={run.id} /> },
        {
          id: "log",
          label: "Log and cost",
          show: () => (
            <Stack>
              <JobLog key={run.job_id} id={run.job_id} />
              {run.usage ? <Usage usage={run.usage} /> : null}
            </Stack>
          ),
        },
        { id: "reproduced", label: "Reproduced", show: () => <Reproductions id={run.id} /> },
        { id: "spec", label: "As asked", show: () => <Json of={run.spec} label="What was asked" /> },
      ]}
    />
  );
}

function Actions({ run }: { run: RunDetail }) {
  const forbidden = useForbidden("write");
  const navigate = useNavigate();
  const [, setTab] = useUrlState("tab");
  if (run.state !== "finished") return null;
  return (
    <>
      {run.profiled ? (
        <a href={`/api/v1/runs/${run.id}/profile`} target="_blank" rel="noreferrer">
          Profile
        </a>
      ) : null}
      <Action call={reproduce(run.id)} forbidden={forbidden} onDone={() => setTab("reproduced")}>
        Reproduce
      </Action>
      {run.versions.length > 0 ? null : (
        <Register run={run} forbidden={forbidden} onDone={(to) => void navigate({ to })} />
      )}
    </>
  );
}

export function RunPage() {
  const { id } = route.useParams();
  const query = useQuery(runQuery(id));
  return (
    <Read query={query} what="the run" instead={{ label: "All runs", to: "/runs" }}>
      {(run) => (
        <Page
          title={`Run of ${run.trainer}`}
          crumbs={[
            { label: "Experiments", to: "/experiments" },
            { label: run.experiment, to: `/experiments/${encodeURIComponent(run.experiment)}` },
          ]}
          marks={
            <>
              <State of={run.state} />
              {run.last_verdict ? <State of={run.last_verdict} /> : null}
              <CopyId id={run.id} noun="run" />
            </>
          }
          about={
            run.versions.length > 0 ? (
              <>
                Became{" "}
                {run.versions.map(({ model, number }) => (
                  <Link
                    key={`${model}/${number}`}
                    to="/models/$name/versions/$number"
                    params={{ name: model, number: String(number) }}
                  >
                    {model} v{number}{" "}
                  </Link>
                ))}
              </>
            ) : null
          }
          actions={<Actions run={run} />}
        >
          {run.reason ? (
            <Notice tone={run.state === "failed" ? "failed" : "attention"} title={run.reason}>
              <p>
                <Link to="/jobs/$id" params={{ id: run.job_id }}>
                  Its job
                </Link>{" "}
                tells more, and can be tried again.
              </p>
            </Notice>
          ) : null}
          {run.notes.length > 0 ? (
            <Notice tone="attention" title="The trainer warns">
              {run.notes.map((note) => (
                <p key={note}>{note}</p>
              ))}
            </Notice>
          ) : null}
          <Parts run={run} />
        </Page>
      )}
    </Read>
  );
}
