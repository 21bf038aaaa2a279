/** What is being done with a version or a dataset just now, and what failed last; followed live. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { hasEnded, useJob, type JobRead } from "../../../client/job";
import { JobLine } from "../../../components/JobLine";
import { jobsQuery } from "../api";
import { Split, splitOf } from "./Split";

/** Those under way, and of each kind the newest when it failed. */
export function worthShowing(jobs: readonly JobRead[]): JobRead[] {
  const seen = new Set<string>();
  return jobs.filter((job) => {
    const newest = !seen.has(job.kind);
    seen.add(job.kind);
    return !hasEnded(job) || (newest && job.state === "failed");
  });
}

export function LiveJob({ job, onEnd }: { job: JobRead; onEnd?: (job: JobRead) => void }) {
  const client = useQueryClient();
  const now = useJob(job, (ended) => {
    void client.invalidateQueries({}, { cancelRefetch: false });
    onEnd?.(ended);
  });
  return <JobLine job={now} />;
}

export function VersionJobs({ subject }: { subject: string }) {
  const { data = [] } = useQuery(jobsQuery(subject));
  const split = data.map(splitOf).find((found) => found !== undefined);
  return (
    <>
      {worthShowing(data).map((job) => (
        <LiveJob key={job.id} job={job} />
      ))}
      {split ? <Split {...split} /> : null}
    </>
  );
}
