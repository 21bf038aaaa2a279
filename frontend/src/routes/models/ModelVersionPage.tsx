import { Page } from "../../components/Page";

export function ModelVersionPage() {
  return (
    <Page title="Model Version">
      <p>This page is being built.</p>
    </Page>
  );
}
