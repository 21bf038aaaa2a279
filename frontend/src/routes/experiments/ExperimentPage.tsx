import { Page } from "../../components/Page";

export function ExperimentPage() {
  return (
    <Page title="Experiment">
      <p>This page is being built.</p>
    </Page>
  );
}
