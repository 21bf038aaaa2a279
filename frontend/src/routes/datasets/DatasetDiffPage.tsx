import { Page } from "../../components/Page";

export function DatasetDiffPage() {
  return (
    <Page title="Dataset Diff">
      <p>This page is being built.</p>
    </Page>
  );
}
