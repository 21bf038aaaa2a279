import { Page } from "../../components/Page";

export function PipelineRunPage() {
  return (
    <Page title="Pipeline Run">
      <p>This page is being built.</p>
    </Page>
  );
}
