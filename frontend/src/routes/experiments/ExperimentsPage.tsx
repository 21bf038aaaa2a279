import { Page } from "../../components/Page";

export function ExperimentsPage() {
  return (
    <Page title="Experiments">
      <p>This page is being built.</p>
    </Page>
  );
}
