import { Page } from "../../components/Page";

export function ModelsPage() {
  return (
    <Page title="Models">
      <p>This page is being built.</p>
    </Page>
  );
}
