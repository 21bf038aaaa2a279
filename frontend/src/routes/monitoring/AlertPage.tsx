import { Page } from "../../components/Page";

export function AlertPage() {
  return (
    <Page title="Alert">
      <p>This page is being built.</p>
    </Page>
  );
}
