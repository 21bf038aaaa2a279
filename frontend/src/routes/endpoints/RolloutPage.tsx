/** One rollout: where it is, what the evidence says, and what a person may do. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { CopyId } from "../../components/Copy";
import { Facts } from "../../components/Facts";
import { Json } from "../../components/Json";
import { Notice } from "../../components/Notice";
import { Columns, Page, Stack } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { evidenceQuery, rolloutQuery, type RolloutRead } from "../../features/rollouts/api";
import { Evidence } from "../../features/rollouts/components/Evidence";
import { Findings } from "../../features/rollouts/components/Findings";
import { History } from "../../features/rollouts/components/History";
import { RolloutActions } from "../../features/rollouts/components/RolloutActions";
import { Stepper } from "../../features/rollouts/components/Stepper";
import { toneOf } from "../../lib/states";
import { words } from "../../lib/text";

const route = getRouteApi("/rollouts/$id");

export function RolloutPage() {
  const { id } = route.useParams();
  const query = useQuery(rolloutQuery(id));
  return (
    <Read query={query} what="the rollout" instead={{ label: "All endpoints", to: "/endpoints" }}>
      {(rollout) => <Rollout rollout={rollout} />}
    </Read>
  );
}

const NEXT: Record<string, string> = {
  rolled_back: "The version before answers again. Read the findings, train or fix, then promote the next version.",
  aborted: "The version before never stopped answering. Start another rollout when the reason is gone.",
  paused: "A candidate that fails is still rolled back. Resume it to be judged on, or advance it.",
};

function Rollout({ rollout }: { rollout: RolloutRead }) {
  const { id, endpoint, version, blue_version: blue, state } = rollout;
  const next = NEXT[state];
  const evidence = useQuery(evidenceQuery(rollout));
  return (
    <Page
      title={`${blue === null ? "" : `v${blue} → `}v${version} on ${endpoint}`}
      crumbs={[
        { label: "Endpoints", to: "/endpoints" },
        { label: endpoint, to: `/endpoints/${encodeURIComponent(endpoint)}` },
      ]}
      marks={
        <>
          <State of={state} />
          <CopyId id={id} noun="rollout" />
        </>
      }
      about={
        <>
          {words(rollout.strategy.strategy)}, started by {rollout.started_by} <RelativeTime at={rollout.started_at} />
        </>
      }
      actions={<RolloutActions rollout={rollout} />}
    >
      <Stack>
        <Stepper rollout={rollout} />
        {next || rollout.reason ? (
          <Notice tone={toneOf(state)} title={rollout.reason || `It is ${words(state)}`}>
            {next ? <p>{next}</p> : null}
          </Notice>
        ) : null}
        <Read query={evidence} what="the evidence">
          {(found) => <Evidence evidence={found} rollout={rollout} />}
        </Read>
        <Columns>
          <Stack>
            <Findings rollout={rollout} />
          </Stack>
          <Stack>
            <Panel title="About">
              <Facts
                of={{
                  Endpoint: (
                    <Link to="/endpoints/$name" params={{ name: endpoint }}>
                      {endpoint}
                    </Link>
                  ),
                  Promotion: rollout.promotion_id && (
                    <Link to="/promotions/$id" params={{ id: rollout.promotion_id }}>
                      the gate's decision
                    </Link>
                  ),
                  Job: (
                    <Link to="/jobs/$id" params={{ id: rollout.job_id }}>
                      its log
                    </Link>
                  ),
                  "This step since": rollout.step_began_at && <RelativeTime at={rollout.step_began_at} />,
                  Ended: rollout.ended_at && <RelativeTime at={rollout.ended_at} />,
                  "Late labels count until": rollout.watched_until && <RelativeTime at={rollout.watched_until} />,
                }}
              />
            </Panel>
            <History rollout={rollout} />
            <Panel title="Verified on real rows" empty={!rollout.probe && "Not yet."}>
              <Json of={rollout.probe} label="What was measured before the switch" />
            </Panel>
            <Panel title="Strategy">
              <Json of={rollout.strategy} label="The strategy" />
            </Panel>
          </Stack>
        </Columns>
      </Stack>
    </Page>
  );
}
