/** One job: its progress and log live, its result, why it failed and what to do. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useForbidden } from "../../client/access";
import { hasEnded } from "../../client/job";
import { Action } from "../../components/Action";
import { CopyId } from "../../components/Copy";
import { Facts } from "../../components/Facts";
import { Json } from "../../components/Json";
import { Notice } from "../../components/Notice";
import { Columns, Page, Stack } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { Meter } from "../../components/Spark";
import { State } from "../../components/State";
import { Subject } from "../../components/Subject";
import { cancelJob, jobQuery, retryJob } from "../../features/jobs/api";
import { JobLog } from "../../features/jobs/components/JobLog";
import { Usage } from "../../features/jobs/components/Usage";
import { toneOf } from "../../lib/states";
import { sentence } from "../../lib/text";

const route = getRouteApi("/jobs/$id");
const text = (value: unknown) => (typeof value === "string" && value ? value : undefined);

export function JobPage() {
  const { id } = route.useParams();
  const query = useQuery(jobQuery(id));
  const forbidden = useForbidden("write");
  return (
    <Read query={query} what="the job" instead={{ label: "All jobs", to: "/jobs" }}>
      {(job) => (
        <Page
          title={sentence(job.kind)}
          crumbs={[{ label: "Jobs", to: "/jobs" }]}
          marks={
            <>
              <State of={job.state} />
              <CopyId id={job.id} noun="job" />
            </>
          }
          about={<Subject of={job.subject} />}
          actions={
            hasEnded(job) ? (
              job.state === "succeeded" ? null : (
                <Action call={retryJob(id)} kind="primary" forbidden={forbidden}>
                  Try again
                </Action>
              )
            ) : (
              <Action
                call={cancelJob(id)}
                kind="danger"
                forbidden={forbidden}
                confirm={{
                  title: "Cancel this job?",
                  say: "Its process is stopped within a second; what it had not recorded is lost.",
                  button: "Cancel it",
                }}
              >
                Cancel
              </Action>
            )
          }
        >
          {job.error ? (
            <Notice
              tone={job.state === "failed" ? "failed" : "attention"}
              title={text(job.error.message) ?? "It failed"}
            >
              {text(job.error.where) ? <p>Where: {text(job.error.where)}</p> : null}
              <p>
                {text(job.error.fix) ??
                  (job.state === "failed" ? "See the log, then try again." : "It is tried again by itself.")}
              </p>
            </Notice>
          ) : null}
          <Columns>
            <Stack>
              <JobLog key={id} id={id} />
              <Usage usage={job.usage} />
            </Stack>
            <Stack>
              <Panel title="About">
                <Facts
                  of={{
                    Progress: (
                      <Meter
                        share={job.progress}
                        label={`${Math.round(job.progress * 100)} %`}
                        tone={toneOf(job.state)}
                      />
                    ),
                    Says: job.message,
                    Attempt: `${job.attempt} of ${job.max_attempts}`,
                    By: job.actor,
                    Worker: job.worker,
                    Queued: <RelativeTime at={job.created_at} />,
                    Started: job.started_at && <RelativeTime at={job.started_at} />,
                    Ended: job.ended_at && <RelativeTime at={job.ended_at} />,
                  }}
                />
              </Panel>
              <Panel title="Ordered">
                <Json of={job.payload} label="What was ordered" />
              </Panel>
              <Panel title="Result" empty={!job.result && "None yet."}>
                <Json of={job.result} label="The result" />
              </Panel>
            </Stack>
          </Columns>
        </Page>
      )}
    </Read>
  );
}
