import { Page } from "../../components/Page";

export function EndpointMonitoringPage() {
  return (
    <Page title="Endpoint Monitoring">
      <p>This page is being built.</p>
    </Page>
  );
}
