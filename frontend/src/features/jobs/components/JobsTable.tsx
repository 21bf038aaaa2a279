/** Every job there was, filtered by state. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { JobRead } from "../../../client/job";
import { DataTable, type Column } from "../../../components/DataTable";
import { Select } from "../../../components/Fields";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Meter } from "../../../components/Spark";
import { State } from "../../../components/State";
import { Subject } from "../../../components/Subject";
import { toneOf } from "../../../lib/states";
import { sentence } from "../../../lib/text";
import { duration } from "../../../lib/time";
import { useUrlState } from "../../../lib/urlState";
import { JOB_STATES, jobsQuery, type JobState } from "../api";
import { secondsOf } from "../seconds";

const COLUMNS: Column<JobRead>[] = [
  {
    id: "kind",
    header: "Job",
    value: ({ kind }) => sentence(kind),
    cell: ({ id, kind }) => (
      <Link to="/jobs/$id" params={{ id }}>
        {sentence(kind)}
      </Link>
    ),
    width: "minmax(170px, 1.2fr)",
  },
  {
    id: "subject",
    header: "About",
    value: ({ subject }) => subject,
    cell: ({ subject }) => <Subject of={subject} />,
    width: "minmax(150px, 1fr)",
  },
  {
    id: "state",
    header: "State",
    value: ({ state }) => state,
    cell: ({ state }) => <State of={state} />,
    width: "120px",
  },
  {
    id: "progress",
    header: "Progress",
    value: ({ progress }) => progress,
    cell: ({ progress, state }) => (
      <Meter share={progress} label={`${Math.round(progress * 100)} %`} tone={toneOf(state)} />
    ),
    width: "130px",
  },
  {
    id: "message",
    header: "Says",
    value: ({ error, message }) => (typeof error?.message === "string" ? error.message : message),
    width: "minmax(200px, 2fr)",
  },
  { id: "took", header: "Took", value: secondsOf, cell: (job) => took(job), width: "100px", align: "end" },
  {
    id: "attempt",
    header: "Attempt",
    value: ({ attempt, max_attempts: most }) => `${attempt} of ${most}`,
    width: "90px",
    optional: true,
  },
  { id: "actor", header: "By", value: ({ actor }) => actor, width: "110px", optional: true },
  { id: "worker", header: "Worker", value: ({ worker }) => worker, width: "160px", optional: true },
  {
    id: "created",
    header: "Queued",
    value: ({ created_at: at }) => at,
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
    width: "120px",
  },
];

function took(job: JobRead): string {
  const seconds = secondsOf(job);
  if (seconds === undefined) return "–";
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : duration(seconds);
}

export function JobsTable() {
  const [state, setState] = useUrlState("state");
  const [subject] = useUrlState("subject");
  const query = useInfiniteQuery(jobsQuery({ ...(isState(state) ? { state } : {}), ...(subject ? { subject } : {}) }));
  const choice = (
    <Select
      label="State"
      value={state}
      onChange={setState}
      options={[{ value: "", label: "all" }, ...JOB_STATES.map((of) => ({ value: of, label: of }))]}
    />
  );
  return (
    <Read query={query} what="the jobs">
      {(rows) => (
        <DataTable
          label="Jobs"
          rows={rows}
          columns={COLUMNS}
          rowKey={({ id }) => id}
          tone={({ state: of }) => (of === "failed" ? "failed" : undefined)}
          tools={choice}
          empty={state ? `No job is ${state}.` : "No job has run yet: upload data, or train a model."}
          onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
        />
      )}
    </Read>
  );
}

function isState(text: string): text is JobState {
  return JOB_STATES.some((state) => state === text);
}
