/** One endpoint as monitoring sees it: drift, quality, the governor, the policy, its alerts. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Page } from "../../components/Page";
import { Read } from "../../components/Read";
import { State } from "../../components/State";
import { Tabs } from "../../components/Tabs";
import { OpenAlerts } from "../../features/alerts/components/OpenAlerts";
import { heatMapQuery } from "../../features/monitoring/api";
import { DriftTab } from "../../features/monitoring/components/DriftTab";
import { GovernorTab } from "../../features/monitoring/components/GovernorTab";
import { PerformanceTab } from "../../features/monitoring/components/PerformanceTab";
import { PolicyTab } from "../../features/monitoring/components/PolicyTab";

const route = getRouteApi("/monitoring/$name");

export function EndpointMonitoringPage() {
  const { name } = route.useParams();
  const query = useQuery(heatMapQuery(name));
  return (
    <Read query={query} what="the endpoint" instead={{ label: "All endpoints", to: "/monitoring" }}>
      {({ windows }) => (
        <Page
          title={name}
          crumbs={[{ label: "Monitoring", to: "/monitoring" }]}
          marks={<State of={windows.at(-1)?.verdict ?? "waiting"} />}
          about={
            <>
              {windows.length === 0 ? "No window has closed yet" : "The newest window's verdict is beside the name"};
              versions and traffic are on{" "}
              <Link to="/endpoints/$name" params={{ name }}>
                the endpoint&apos;s page
              </Link>
            </>
          }
        >
          <Tabs
            label="Parts of monitoring"
            parts={[
              { id: "drift", label: "Drift", show: () => <DriftTab name={name} /> },
              { id: "performance", label: "Performance", show: () => <PerformanceTab name={name} /> },
              { id: "governor", label: "Governor", show: () => <GovernorTab name={name} /> },
              { id: "policy", label: "Policy", show: () => <PolicyTab name={name} /> },
              { id: "alerts", label: "Alerts", show: () => <OpenAlerts endpoint={name} /> },
            ]}
          />
        </Page>
      )}
    </Read>
  );
}
