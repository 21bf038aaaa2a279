import { Page } from "../../components/Page";

export function SweepPage() {
  return (
    <Page title="Sweep">
      <p>This page is being built.</p>
    </Page>
  );
}
