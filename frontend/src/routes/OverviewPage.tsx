/** The page at `/`: what is going on, why, and what can be done. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isOutage, Problem } from "../client/http";
import type { Overview, Whoami } from "../client/types";
import { Button } from "../components/Button";
import { Loading } from "../components/Loading";
import { Mark } from "../components/Mark";
import { Notice } from "../components/Notice";
import { ThemeToggle } from "../components/ThemeToggle";
import { Alerts } from "../features/alerts/components/Alerts";
import { Decisions } from "../features/decisions/components/Decisions";
import { Endpoints } from "../features/endpoints/components/Endpoints";
import { useEvents } from "../features/events/api";
import { ConnectionBanner } from "../features/events/components/ConnectionBanner";
import { LiveSign } from "../features/events/components/LiveSign";
import { Jobs } from "../features/jobs/components/Jobs";
import { Loop } from "../features/loop/components/Loop";
import { overviewQuery } from "../features/overview/api";
import { Counts } from "../features/overview/components/Counts";
import { FirstSteps } from "../features/overview/components/FirstSteps";
import { Person } from "../features/session/components/Person";
import { coalesce } from "../lib/coalesce";
import { plural } from "../lib/text";
import styles from "./OverviewPage.module.css";

const EVENTS_SETTLE_MS = 250;

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

function Content({ overview, mayWrite }: { overview: Overview; mayWrite: boolean }) {
  const empty = isEmpty(overview);
  const alerts = <Alerts alerts={overview.alerts} mayWrite={mayWrite} />;
  return (
    <>
      {empty ? <FirstSteps /> : null}
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

export function OverviewPage({ person }: { person: Whoami }) {
  const client = useQueryClient();
  // Without cancelRefetch: false a steady stream of events would cancel every read before it ends.
  const [refresh] = useState(() =>
    coalesce(() => client.invalidateQueries({ queryKey: ["overview"] }, { cancelRefetch: false }), EVENTS_SETTLE_MS),
  );
  const stream = useEvents(refresh);
  const overview = useQuery(overviewQuery({ live: stream === "live" }));
  const retry = () => void overview.refetch();

  return (
    <>
      <header className={styles.bar}>
        <a className={styles.brand} href="/">
          <Mark />
          <span>Millrace</span>
        </a>
        <LiveSign state={isOutage(overview.error) ? "away" : stream} />
        <span className={styles.space} />
        <ThemeToggle />
        <Person person={person} />
      </header>
      <main className={styles.content}>
        <h1 className="offscreen">Overview</h1>
        {overview.data ? (
          <>
            <ConnectionBanner
              stream={stream}
              error={overview.error}
              readAt={new Date(overview.dataUpdatedAt).toISOString()}
              onRetry={retry}
            />
            <Content overview={overview.data} mayWrite={person.scopes.includes("write")} />
            <footer>
              <Counts counts={overview.data.counts} />
            </footer>
          </>
        ) : overview.error ? (
          <Failure error={overview.error} person={person} onRetry={retry} />
        ) : (
          <Loading />
        )}
      </main>
    </>
  );
}
