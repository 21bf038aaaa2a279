import { Page } from "../../components/Page";

export function DatasetPage() {
  return (
    <Page title="Dataset">
      <p>This page is being built.</p>
    </Page>
  );
}
