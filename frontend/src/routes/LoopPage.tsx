/** The page at `/`: what is going on, why, and what can be done. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Suspense, useEffect } from "react";
import { usePerson } from "../client/access";
import { Problem } from "../client/http";
import type { Overview, Whoami } from "../client/types";
import { Button } from "../components/Button";
import { Loading } from "../components/Loading";
import { Notice } from "../components/Notice";
import { Alerts } from "../features/alerts/components/Alerts";
import { Decisions } from "../features/decisions/components/Decisions";
import { Endpoints } from "../features/endpoints/components/Endpoints";
import { Jobs } from "../features/jobs/components/Jobs";
import { Loop } from "../features/loop/components/Loop";
import { overviewQuery } from "../features/overview/api";
import { Counts } from "../features/overview/components/Counts";
import { FirstSteps } from "../features/overview/components/FirstSteps";
import { later } from "../lib/later";
import { plural } from "../lib/text";
import styles from "./LoopPage.module.css";

// Only an empty system needs it here, and the shell is to stay small.
const UploadAnywhere = later(async () => {
  const { UploadAnywhere: component } = await import("../features/datasets/components/UploadAnywhere");
  return { default: component };
});

/** Nothing was ever uploaded or run. */
function isEmpty({ counts }: Overview): boolean {
  return Object.values(counts).every((count) => count === 0);
}

/** Under the state of the loop: on a phone the way to the alerts and jobs, which are far below. */
function Note({ overview: { alerts, jobs } }: { overview: Overview }) {
  return (
    <>
      {alerts.length > 0 ? <a href="#alerts">{plural(alerts.length, "open alert")}</a> : null}
      {alerts.length > 0 && jobs.length > 0 ? " · " : null}
      {jobs.length > 0 ? <a href="#jobs">{plural(jobs.length, "job")}</a> : null}
    </>
  );
}

function Failure({ error, person, onRetry }: { error: Error; person: Whoami; onRetry: () => void }) {
  if (error instanceof Problem && error.status === 403) {
    return (
      <Notice size="page" tone="attention" title="This token may not see the overview">
        <p>{error.message}</p>
        <p>
          You are {person.name} with the role {person.role}.{" "}
          {error.fix ?? "Ask an admin for a token with the scope read, or sign in with another one."}
        </p>
      </Notice>
    );
  }
  return (
    <Notice
      size="page"
      tone="failed"
      title="The overview could not be read"
      action={<Button onClick={onRetry}>Try now</Button>}
    >
      <p>{error.message}</p>
      <p>
        {error instanceof Problem && error.fix
          ? error.fix
          : "The loop itself does not depend on this page. Try again in a moment."}
      </p>
    </Notice>
  );
}

function FirstUpload() {
  const navigate = useNavigate();
  return (
    <Suspense fallback={null}>
      <UploadAnywhere datasets={[]} onBegun={(name) => void navigate({ to: "/datasets/$name", params: { name } })} />
    </Suspense>
  );
}

function Content({ overview }: { overview: Overview }) {
  const empty = isEmpty(overview);
  const alerts = <Alerts alerts={overview.alerts} />;
  return (
    <>
      {empty ? <FirstSteps upload={<FirstUpload />} /> : null}
      <Loop facts={overview.stages} alerts={overview.alerts.length} note={<Note overview={overview} />} />
      {empty ? null : (
        <div className={styles.columns}>
          <div className={styles.column}>
            {overview.alerts.length > 0 ? alerts : null}
            <Decisions decisions={overview.decisions} />
          </div>
          <div className={styles.column}>
            <Jobs jobs={overview.jobs} />
            <Endpoints endpoints={overview.endpoints} />
            {overview.alerts.length === 0 ? alerts : null}
          </div>
        </div>
      )}
    </>
  );
}

export function LoopPage() {
  const person = usePerson();
  const overview = useQuery(overviewQuery);
  useEffect(() => {
    document.title = "Loop · Millrace";
  }, []);
  return (
    <div className={styles.content}>
      <h1 className="offscreen">The loop</h1>
      {overview.data ? (
        <>
          <Content overview={overview.data} />
          <footer>
            <Counts counts={overview.data.counts} />
          </footer>
        </>
      ) : overview.error ? (
        <Failure error={overview.error} person={person} onRetry={() => void overview.refetch()} />
      ) : (
        <Loading />
      )}
    </div>
  );
}
