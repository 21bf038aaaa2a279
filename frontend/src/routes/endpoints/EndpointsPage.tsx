import { Page } from "../../components/Page";

export function EndpointsPage() {
  return (
    <Page title="Endpoints">
      <p>This page is being built.</p>
    </Page>
  );
}
