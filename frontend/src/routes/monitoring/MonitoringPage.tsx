import { Page } from "../../components/Page";

export function MonitoringPage() {
  return (
    <Page title="Monitoring">
      <p>This page is being built.</p>
    </Page>
  );
}
