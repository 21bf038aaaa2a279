import { Page } from "../../components/Page";

export function ModelPage() {
  return (
    <Page title="Model">
      <p>This page is being built.</p>
    </Page>
  );
}
