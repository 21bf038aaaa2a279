import { Page } from "../../components/Page";

export function EventsPage() {
  return (
    <Page title="Events">
      <p>This page is being built.</p>
    </Page>
  );
}
