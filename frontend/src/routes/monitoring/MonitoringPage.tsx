/** All endpoints: how their last windows were, what stands against them, and every alert there was. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Page } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { AlertsTable } from "../../features/alerts/components/AlertsTable";
import { OpenAlerts } from "../../features/alerts/components/OpenAlerts";
import { watchedQuery } from "../../features/monitoring/api";
import { WatchedEndpoints } from "../../features/monitoring/components/WatchedEndpoints";

export function MonitoringPage() {
  const query = useInfiniteQuery(watchedQuery);
  const names = query.data?.map(({ name }) => name) ?? [];
  return (
    <Page title="Monitoring" about="Has the data moved away, does quality hold, and would a retrain start by itself?">
      <OpenAlerts />
      <Read query={query} what="the endpoints">
        {() => <WatchedEndpoints names={names} />}
      </Read>
      <Panel title="All alerts">
        <AlertsTable endpoints={names} />
      </Panel>
    </Page>
  );
}
