/** One endpoint: what answers, how it is doing, and the buttons that change it. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { State } from "../../components/State";
import { Page, Stack } from "../../components/Page";
import { Read } from "../../components/Read";
import { Tabs } from "../../components/Tabs";
import { Notice } from "../../components/Notice";
import { endpointQuery, trafficQuery } from "../../features/endpoints/api";
import { RollBack, StartRollout } from "../../features/endpoints/components/Actions";
import { Answering } from "../../features/endpoints/components/Answering";
import { Settings } from "../../features/endpoints/components/Settings";
import { Traffic } from "../../features/endpoints/components/Traffic";
import { TryIt } from "../../features/endpoints/components/TryIt";
import { FindPrediction } from "../../features/predictions/components/FindPrediction";
import { Recent } from "../../features/predictions/components/Recent";
import { rolloutsQuery } from "../../features/rollouts/api";
import { RolloutsTable } from "../../features/rollouts/components/RolloutsTable";
import { useUrlState } from "../../lib/urlState";

const route = getRouteApi("/endpoints/$name");

export function EndpointPage() {
  const { name } = route.useParams();
  const query = useQuery(endpointQuery(name));
  const traffic = useQuery(trafficQuery(name));
  const rollouts = useInfiniteQuery(rolloutsQuery(name));
  const [, setTab] = useUrlState("tab", "traffic");
  return (
    <Read query={query} what="the endpoint" instead={{ label: "All endpoints", to: "/endpoints" }}>
      {(endpoint) => (
        <Page
          title={name}
          crumbs={[{ label: "Endpoints", to: "/endpoints" }]}
          marks={<State of={endpoint.live_version === null ? "waiting" : "live"} />}
          about={
            <>
              Answers at <code>/serve/{name}/predict</code> for{" "}
              <Link to="/models/$name" params={{ name: endpoint.model }}>
                {endpoint.model}
              </Link>{" "}
              · {endpoint.settings.visibility} ·{" "}
              <Link to="/monitoring/$name" params={{ name }}>
                drift and performance
              </Link>{" "}
              ·{" "}
              <Link to="/lineage" search={{ of: `endpoints/${name}` } as never}>
                lineage
              </Link>
            </>
          }
          actions={
            <>
              <StartRollout endpoint={endpoint} onDone={() => setTab("rollouts")} />
              <RollBack endpoint={endpoint} />
            </>
          }
        >
          <Stack>
            {endpoint.rollout_id ? (
              <Notice
                tone="running"
                title="A rollout is under way"
                action={
                  <Link to="/rollouts/$id" params={{ id: endpoint.rollout_id }}>
                    See how it goes
                  </Link>
                }
              />
            ) : null}
            <Answering endpoint={endpoint} traffic={traffic.data} />
            <Tabs
              label="Of the endpoint"
              parts={[
                {
                  id: "traffic",
                  label: "Traffic",
                  show: () => (
                    <Read query={traffic} what="the traffic">
                      {(found) => <Traffic traffic={found} />}
                    </Read>
                  ),
                },
                {
                  id: "rollouts",
                  label: "Rollouts",
                  count: rollouts.data?.length,
                  show: () => (
                    <Read query={rollouts} what="the rollouts">
                      {(rows) => (
                        <RolloutsTable
                          rollouts={rows}
                          {...(rollouts.hasNextPage ? { onMore: () => void rollouts.fetchNextPage() } : {})}
                        />
                      )}
                    </Read>
                  ),
                },
                { id: "try", label: "Try it", show: () => <TryIt endpoint={endpoint} /> },
                {
                  id: "predictions",
                  label: "Predictions",
                  show: () => (
                    <Stack>
                      <Recent endpoint={name} />
                      <FindPrediction />
                    </Stack>
                  ),
                },
                { id: "settings", label: "Settings", show: () => <Settings endpoint={endpoint} /> },
              ]}
            />
          </Stack>
        </Page>
      )}
    </Read>
  );
}
