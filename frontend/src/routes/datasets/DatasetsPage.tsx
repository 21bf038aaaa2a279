import { Page } from "../../components/Page";

export function DatasetsPage() {
  return (
    <Page title="Datasets">
      <p>This page is being built.</p>
    </Page>
  );
}
