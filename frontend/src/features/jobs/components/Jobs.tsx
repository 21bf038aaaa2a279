/** What is being worked on now: progress, the latest message, for how long. */
import { Link } from "@tanstack/react-router";
import type { Job } from "../../../client/types";
import { CopyId } from "../../../components/Copy";
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { sentence, subjectLabel } from "../../../lib/text";
import { duration, useNow } from "../../../lib/time";
import styles from "./Jobs.module.css";

function RunningFor({ since }: { since: string }) {
  const now = useNow(1);
  return <span className={styles.since}>{duration((now.getTime() - Date.parse(since)) / 1000)}</span>;
}

function JobRow({ job }: { job: Job }) {
  const queued = job.state === "queued";
  const label = `${sentence(job.kind)} of ${subjectLabel(job.subject)}`;
  const percent = Math.round(Math.min(1, Math.max(0, job.progress)) * 100);
  return (
    <li className={styles.job} data-tone={queued ? "idle" : "running"}>
      <p className={styles.head}>
        <strong>
          <Link to="/jobs/$id" params={{ id: job.id }}>
            {sentence(job.kind)}
          </Link>
        </strong>
        <span className={styles.subject}>{subjectLabel(job.subject)}</span>
        <CopyId id={job.id} noun="job" />
        <span className={styles.percent}>{queued ? "queued" : `${percent} %`}</span>
      </p>
      <progress className={styles.bar} max={100} value={percent} aria-label={label} />
      <p className={styles.message}>
        <span>{job.message || (queued ? "Waiting for a worker" : "Working")}</span>
        {job.started_at && !queued ? <RunningFor since={job.started_at} /> : <RelativeTime at={job.created_at} />}
      </p>
    </li>
  );
}

export function Jobs({ jobs }: { jobs: readonly Job[] }) {
  return (
    <Panel id="jobs" title="Running jobs" count={jobs.length} empty={jobs.length === 0 && "Nothing is running."}>
      <ul className={styles.list}>
        {jobs.map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </ul>
    </Panel>
  );
}
