/** One sweep: how far it is, its best trial, and what each parameter does. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
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
import { cancelSweep, sweepQuery, type SweepDetail } from "../../features/sweeps/api";
import { AgainstObjective, Trials } from "../../features/sweeps/components/Trials";
import { number } from "../../lib/numbers";
import { plural } from "../../lib/text";

const route = getRouteApi("/sweeps/$id");
const MOST_COMPARED = 100;

function Best({ sweep }: { sweep: SweepDetail }) {
  const { best, spec } = sweep;
  return (
    <Panel title="Best so far" empty={!best && "No trial has finished with the metric yet."}>
      {best ? (
        <Facts
          of={{
            Trial: best.run_id ? (
              <Link to="/runs/$id" params={{ id: best.run_id }}>
                {best.number}
              </Link>
            ) : (
              String(best.number)
            ),
            [spec.objective.metric]: number(best.value),
            ...Object.fromEntries(Object.entries(best.params).map(([name, value]) => [name, JSON.stringify(value)])),
          }}
        />
      ) : null}
    </Panel>
  );
}

function About({ sweep }: { sweep: SweepDetail }) {
  const { spec } = sweep;
  const counts = Object.entries(sweep.counts).filter(([, count]) => count > 0);
  return (
    <>
      <Panel title="About">
        <Facts
          of={{
            Trials: `${plural(sweep.total, "trial")}: ${counts.map(([state, count]) => `${count} ${state}`).join(", ")}`,
            Objective: `${spec.objective.goal === "min" ? "the smallest" : "the largest"} ${spec.objective.metric}`,
            Method: spec.method,
            "At once": String(spec.parallel),
            Data: spec.base.dataset,
            Trainer: spec.base.trainer,
            Model: spec.base.model,
            By: sweep.created_by,
            Started: <RelativeTime at={sweep.created_at} />,
            Ended: sweep.ended_at && <RelativeTime at={sweep.ended_at} />,
          }}
        />
      </Panel>
      <Panel title="The space">
        <Json of={spec.space} label="The space of parameters" />
      </Panel>
    </>
  );
}

export function SweepPage() {
  const { id } = route.useParams();
  const query = useQuery(sweepQuery(id));
  const forbidden = useForbidden("write");
  return (
    <Read query={query} what="the sweep" instead={{ label: "All experiments", to: "/experiments" }}>
      {(sweep) => {
        const finished = sweep.trials.flatMap((trial) =>
          trial.run_id && trial.state === "finished" ? [trial.run_id] : [],
        );
        return (
          <Page
            title={`Sweep of ${sweep.spec.base.trainer}`}
            crumbs={[
              { label: "Experiments", to: "/experiments" },
              { label: sweep.experiment, to: `/experiments/${encodeURIComponent(sweep.experiment)}` },
            ]}
            marks={
              <>
                <State of={sweep.state} />
                <CopyId id={sweep.id} noun="sweep" />
              </>
            }
            actions={
              <>
                {finished.length >= 2 ? (
                  <Link to="/compare" search={{ ids: finished.slice(0, MOST_COMPARED).join(",") } as never}>
                    Compare its runs
                  </Link>
                ) : null}
                {sweep.state === "running" ? (
                  <Action
                    call={cancelSweep(id)}
                    kind="danger"
                    forbidden={forbidden}
                    confirm={{
                      title: "Cancel this sweep?",
                      say: "No further trial begins, and those that are queued or running are stopped.",
                      button: "Cancel it",
                    }}
                  >
                    Cancel
                  </Action>
                ) : null}
              </>
            }
          >
            {sweep.reason ? (
              <Notice
                tone={sweep.state === "failed" ? "failed" : sweep.state === "succeeded" ? "ok" : "idle"}
                title={sweep.reason}
              >
                {sweep.state === "failed" ? <p>Each trial below says why it ended.</p> : null}
              </Notice>
            ) : null}
            <Columns>
              <Stack>
                <AgainstObjective sweep={sweep} />
                <Trials sweep={sweep} />
              </Stack>
              <Stack>
                <Best sweep={sweep} />
                <About sweep={sweep} />
              </Stack>
            </Columns>
          </Page>
        );
      }}
    </Read>
  );
}
