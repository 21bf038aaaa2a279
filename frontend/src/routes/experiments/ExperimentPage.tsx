/** One experiment: its runs and sweeps, and training. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useForbidden } from "../../client/access";
import { Page } from "../../components/Page";
import { Read } from "../../components/Read";
import { Tabs } from "../../components/Tabs";
import { experimentQuery } from "../../features/experiments/api";
import { Train } from "../../features/experiments/components/Train";
import { RunsTable } from "../../features/runs/components/RunsTable";
import { StartSweep } from "../../features/sweeps/components/StartSweep";
import { SweepsTable } from "../../features/sweeps/components/SweepsTable";
import { plural } from "../../lib/text";

const route = getRouteApi("/experiments/$name");

export function ExperimentPage() {
  const { name } = route.useParams();
  const query = useQuery(experimentQuery(name));
  const forbidden = useForbidden("write");
  const navigate = useNavigate();
  const open = (subject: string) => {
    const [kind, id] = subject.split("/");
    if (kind === "runs" && id) void navigate({ to: "/runs/$id", params: { id } });
  };
  return (
    <Read query={query} what="the experiment" instead={{ label: "All experiments", to: "/experiments" }}>
      {(experiment) => (
        <Page
          title={name}
          crumbs={[{ label: "Experiments", to: "/experiments" }]}
          about={
            <>
              {plural(experiment.runs, "run")}
              {experiment.description ? `. ${experiment.description}` : ""}
            </>
          }
          actions={
            <>
              <StartSweep
                experiment={name}
                forbidden={forbidden}
                onStarted={(id) => void navigate({ to: "/sweeps/$id", params: { id } })}
              />
              <Train experiment={name} forbidden={forbidden} onStarted={open} />
            </>
          }
        >
          <Tabs
            label="Parts of the experiment"
            parts={[
              { id: "runs", label: "Runs", count: experiment.runs, show: () => <RunsTable experiment={name} /> },
              { id: "sweeps", label: "Sweeps", show: () => <SweepsTable experiment={name} /> },
            ]}
          />
        </Page>
      )}
    </Read>
  );
}
