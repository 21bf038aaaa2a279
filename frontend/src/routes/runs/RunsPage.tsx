/** All runs of all experiments. */
import { Link } from "@tanstack/react-router";
import { Page } from "../../components/Page";
import { RunsTable } from "../../features/runs/components/RunsTable";

export function RunsPage() {
  return (
    <Page
      title="Runs"
      about={
        <>
          Every training. A new one is started in an <Link to="/experiments">experiment</Link>.
        </>
      }
    >
      <RunsTable />
    </Page>
  );
}
