import { Page } from "../../components/Page";

export function PipelinePage() {
  return (
    <Page title="Pipeline">
      <p>This page is being built.</p>
    </Page>
  );
}
