import { Page } from "../../components/Page";

export function RunPage() {
  return (
    <Page title="Run">
      <p>This page is being built.</p>
    </Page>
  );
}
