import { Page } from "../../components/Page";

export function RunsPage() {
  return (
    <Page title="Runs">
      <p>This page is being built.</p>
    </Page>
  );
}
