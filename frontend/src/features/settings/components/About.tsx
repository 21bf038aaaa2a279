/** The parts of the installation and whether they answer; the one that does not says why. */
import { useQuery } from "@tanstack/react-query";
import { Facts, Stat, Stats } from "../../../components/Facts";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { bytes, millis } from "../../../lib/numbers";
import { duration } from "../../../lib/time";
import { aboutQuery } from "../api";
import { skewSeconds } from "../skew";

const MOST_SKEW_SECONDS = 5;

interface Part {
  name: string;
  kind: string;
  reachable: boolean;
  error: string | null;
  milliseconds: number | null;
}

export function About() {
  const query = useQuery(aboutQuery);
  return (
    <Read query={query} what="the installation">
      {(about) => {
        const parts: Part[] = [
          { name: "Database", ...about.database },
          { name: "Broker", kind: "Redis", ...about.broker },
          ...about.stores.map((store) => ({ ...store, name: `Store of ${store.name}` })),
          { name: "MLflow", kind: "server", ...about.mlflow },
        ];
        const skew = skewSeconds(about.server_time, query.dataUpdatedAt);
        const { workers, limits } = about;
        return (
          <>
            {Math.abs(skew) > MOST_SKEW_SECONDS ? (
              <Notice tone="attention" title={`Your clock and the server's differ by ${duration(Math.abs(skew))}`}>
                <p>Times on these pages are the server's. Tokens and schedules go by its clock: set the wrong one.</p>
              </Notice>
            ) : null}
            <Stats>
              {parts.map((part) => (
                <Stat
                  key={part.name}
                  label={part.name}
                  value={part.reachable ? part.kind : "away"}
                  note={part.reachable ? `answers in ${millis(part.milliseconds)}` : part.error}
                  {...(part.reachable ? {} : { tone: "failed" })}
                />
              ))}
              <Stat
                label="Workers"
                value={workers.answering === null ? "unknown" : workers.answering.length}
                note={
                  workers.last_tick_age_seconds === null
                    ? "the clock (beat) has never ticked"
                    : `last tick ${duration(workers.last_tick_age_seconds)} ago`
                }
                {...(workers.answering?.length === 0 ||
                (workers.last_tick_age_seconds ?? Infinity) > 10 * workers.tick_seconds
                  ? { tone: "attention" }
                  : {})}
              />
            </Stats>
            <Panel title="This installation">
              <Facts
                of={{
                  Version: about.version,
                  Python: about.python,
                  Tables: `${about.database.revision ?? "none"}${about.database.newest_revision && about.database.newest_revision !== about.database.revision ? ` (newest: ${about.database.newest_revision}; run millrace migrate)` : ""}`,
                  "Jobs that wait": workers.queued_jobs,
                  "Jobs that run": workers.running_jobs,
                  "Largest request": bytes(limits.max_body_bytes),
                  "Largest upload": bytes(limits.max_upload_bytes),
                }}
              />
            </Panel>
            <Panel title="Elsewhere">
              <p>
                <a href="/docs">The API, described</a> · <a href="/mlflow/">MLflow</a> ·{" "}
                <a href="/openapi.json">OpenAPI</a>
              </p>
            </Panel>
          </>
        );
      }}
    </Read>
  );
}
