import { Page } from "../../components/Page";

export function JobPage() {
  return (
    <Page title="Job">
      <p>This page is being built.</p>
    </Page>
  );
}
