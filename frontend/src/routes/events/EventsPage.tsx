/** The audit trail. */
import { Page } from "../../components/Page";
import { EventsTable } from "../../features/events/components/EventsTable";

export function EventsPage() {
  return (
    <Page title="Events" about="Everything that happened, in the order of commits: who did it, and why.">
      <EventsTable />
    </Page>
  );
}
