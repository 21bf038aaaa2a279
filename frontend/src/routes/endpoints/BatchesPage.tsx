import { Page } from "../../components/Page";

export function BatchesPage() {
  return (
    <Page title="Batches">
      <p>This page is being built.</p>
    </Page>
  );
}
