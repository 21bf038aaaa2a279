import { Page } from "../../components/Page";

export function EndpointPage() {
  return (
    <Page title="Endpoint">
      <p>This page is being built.</p>
    </Page>
  );
}
