import { Page } from "../../components/Page";

export function ComparePage() {
  return (
    <Page title="Compare">
      <p>This page is being built.</p>
    </Page>
  );
}
