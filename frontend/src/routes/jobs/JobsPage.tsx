import { Page } from "../../components/Page";

export function JobsPage() {
  return (
    <Page title="Jobs">
      <p>This page is being built.</p>
    </Page>
  );
}
