import { Page } from "../../components/Page";

export function PipelinesPage() {
  return (
    <Page title="Pipelines">
      <p>This page is being built.</p>
    </Page>
  );
}
