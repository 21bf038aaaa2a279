import { Page } from "../../components/Page";

export function SettingsPage() {
  return (
    <Page title="Settings">
      <p>This page is being built.</p>
    </Page>
  );
}
