/** Eyeballing: ask for rows, read them, say what is the matter, pin a mistake as a test. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { useJob, type JobRead } from "../../../client/job";
import { Action } from "../../../components/Action";
import { FieldRow, Select, TextField } from "../../../components/Fields";
import { JobLine } from "../../../components/JobLine";
import { Notice } from "../../../components/Notice";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tabs } from "../../../components/Tabs";
import { number as figure } from "../../../lib/numbers";
import { plural } from "../../../lib/text";
import { useUrlState } from "../../../lib/urlState";
import { calls, eyeballQuery, oneEyeballQuery, type Eyeball } from "../api";
import { KINDS } from "../rows";
import { Row } from "./Row";
import styles from "./Eyeballs.module.css";

interface EyeballsProps {
  name: string;
  number: number;
}

export function Eyeballs({ name, number }: EyeballsProps) {
  const [id, setId] = useUrlState("eyeball");
  const newest = useQuery({ ...eyeballQuery(name, number), enabled: id === "" });
  const one = useQuery({ ...oneEyeballQuery(id), enabled: id !== "" });
  return (
    <Stack>
      <Ask name={name} number={number} onPicked={setId} />
      <Read query={id ? one : newest} what="the rows">
        {(eyeball: Eyeball | null) =>
          eyeball ? (
            <Seen name={name} number={number} eyeball={eyeball} />
          ) : (
            <Notice tone="idle" title="Nobody has looked yet">
              <p>Numbers say how often a model is wrong; its answers say how. Ask for rows above.</p>
            </Notice>
          )
        }
      </Read>
    </Stack>
  );
}

function Ask({ name, number, onPicked }: EyeballsProps & { onPicked: (id: string) => void }) {
  const forbidden = useForbidden("write");
  const client = useQueryClient();
  const [where, setWhere] = useUrlState("where");
  const [against, setAgainst] = useState("champion");
  const [limit, setLimit] = useState("20");
  const [job, setJob] = useState<JobRead>();
  const done = (ended: JobRead) => {
    void client.invalidateQueries({ queryKey: ["eyeballs"] });
    if (ended.state === "succeeded") onPicked(ended.subject.replace(/^eyeballs\//, ""));
  };
  const call = calls.ask(name, number, {
    where: where.trim() || null,
    against: against === "champion" ? "champion" : against.trim() ? Number(against) : null,
    limit: Number(limit),
  });
  return (
    <Panel title="Which rows">
      <div className={styles.ask}>
        <FieldRow>
          <TextField
            label="Only the slice"
            value={where}
            onChange={setWhere}
            placeholder="sex = 'Female'"
            help="An SQL predicate over any column of the dataset; empty for all rows"
          />
          <TextField
            label="Against"
            value={against}
            onChange={setAgainst}
            help="champion, or the number of a version; empty for none"
            error={/^(champion|\d*)$/.test(against.trim()) ? undefined : "champion, a number, or nothing"}
          />
          <Select label="Rows of each kind" value={limit} onChange={setLimit} options={["10", "20", "50", "200"]} />
        </FieldRow>
        <Action call={call} kind="primary" forbidden={forbidden} onDone={setJob}>
          Pick rows
        </Action>
        {job ? <Followed key={job.id} job={job} onEnd={done} /> : null}
      </div>
    </Panel>
  );
}

function Followed({ job, onEnd }: { job: JobRead; onEnd: (job: JobRead) => void }) {
  return <JobLine job={useJob(job, onEnd)} />;
}

function Seen({ name, number, eyeball }: EyeballsProps & { eyeball: Eyeball }) {
  const { kinds, rows, mistakes, disagreements, against_version, question, notes, asked_at, asked_by } = eyeball;
  if (!kinds) {
    return (
      <Notice tone="running" title="A worker picks the rows">
        <p>They appear here by themselves.</p>
      </Notice>
    );
  }
  return (
    <>
      <p className={styles.about}>
        {plural(rows ?? 0, "row")}
        {question.where ? ` where ${question.where}` : ""}
        {mistakes === null ? "" : `, ${figure(mistakes)} answered wrongly`}
        {disagreements === null || against_version === null
          ? ""
          : `, ${figure(disagreements)} otherwise than by version ${against_version}`}
        . Asked <RelativeTime at={asked_at} /> by {asked_by}.{notes.length > 0 ? ` ${notes.join(" ")}` : ""}
      </p>
      <Tabs
        label="Kinds of rows"
        param="kind"
        parts={Object.entries(kinds).map(([kind, some]) => ({
          id: kind,
          label: KINDS[kind]?.label ?? kind,
          count: some.length,
          show: () => (
            <Panel title={KINDS[kind]?.help ?? kind} empty={some.length === 0 && "There are none."}>
              <ol className={styles.rows}>
                {some.map((row) => (
                  <Row key={row.row} name={name} number={number} row={row} against={against_version} />
                ))}
              </ol>
            </Panel>
          ),
        }))}
      />
    </>
  );
}
