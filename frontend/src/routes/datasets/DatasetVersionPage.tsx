import { Page } from "../../components/Page";

export function DatasetVersionPage() {
  return (
    <Page title="Dataset Version">
      <p>This page is being built.</p>
    </Page>
  );
}
