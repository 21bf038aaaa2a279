import { Page } from "../../components/Page";

export function LineagePage() {
  return (
    <Page title="Lineage">
      <p>This page is being built.</p>
    </Page>
  );
}
