/** A decision computed again: the same, or what is different. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { useJob, type JobRead } from "../../../client/job";
import { Action } from "../../../components/Action";
import { JobLine } from "../../../components/JobLine";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { calls, replaysQuery, type Promotion, type Replay } from "../api";
import styles from "./Promotion.module.css";

export function Replays({ promotion: { id, decision } }: { promotion: Promotion }) {
  const query = useQuery(replaysQuery(id));
  const forbidden = useForbidden("write");
  const [job, setJob] = useState<JobRead>();
  return (
    <Panel title="Replays">
      <div className={styles.stack}>
        <p>
          Comes to the decision again from the rows, packages, seed and alpha that were recorded. It spends no alpha.
        </p>
        <Action
          call={calls.replay(id)}
          forbidden={forbidden ?? (decision ? undefined : "Nothing is decided yet")}
          onDone={setJob}
        >
          Replay
        </Action>
        {job ? <Followed key={job.id} job={job} /> : null}
        <Read query={query} what="the replays" loading={null}>
          {(replays) => replays.map((replay) => <OneReplay key={replay.id} replay={replay} />)}
        </Read>
      </div>
    </Panel>
  );
}

function Followed({ job }: { job: JobRead }) {
  return <JobLine job={useJob(job)} />;
}

function OneReplay({ replay }: { replay: Replay }) {
  const { same, differences, missing, as_recorded, replayed_at, replayed_by } = replay;
  const [tone, said] =
    same === null
      ? (["attention", "not computed"] as const)
      : same
        ? (["ok", "the same decision"] as const)
        : (["failed", "another decision"] as const);
  return (
    <div className={styles.replay} data-tone={tone}>
      <p className={styles.head}>
        <Tag tone={tone}>{said}</Tag>
        <RelativeTime at={replayed_at} /> <span>by {replayed_by}</span>
      </p>
      {missing.length > 0 ? <p>Missing: {missing.join("; ")}</p> : null}
      {differences.length > 0 ? (
        <ul>
          {differences.slice(0, 20).map(({ what, recorded, replayed }) => (
            <li key={what}>
              <code>{what}</code>: {JSON.stringify(recorded)} became {JSON.stringify(replayed)}
            </li>
          ))}
          {differences.length > 20 ? <li>and {differences.length - 20} more</li> : null}
        </ul>
      ) : null}
      {as_recorded.length > 0 ? <p>Measured, so taken as recorded: {as_recorded.join(", ")}</p> : null}
    </div>
  );
}
