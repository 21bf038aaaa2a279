/** All the long work: what waits, what runs, how it went. */
import { Page } from "../../components/Page";
import { JobsTable } from "../../features/jobs/components/JobsTable";

export function JobsPage() {
  return (
    <Page
      title="Jobs"
      about="The long work. A job outlives the process that does it: rows in the database are the truth."
    >
      <JobsTable />
    </Page>
  );
}
