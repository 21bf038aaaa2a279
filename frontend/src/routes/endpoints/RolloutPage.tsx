import { Page } from "../../components/Page";

export function RolloutPage() {
  return (
    <Page title="Rollout">
      <p>This page is being built.</p>
    </Page>
  );
}
