/** The newest drill as a table of mutants and what caught them; earlier drills; running one, now or by itself. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { useJob, type JobRead } from "../../../client/job";
import { Action, FormAction } from "../../../components/Action";
import { Select, TextField } from "../../../components/Fields";
import { JobLine } from "../../../components/JobLine";
import { Notice } from "../../../components/Notice";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { number } from "../../../lib/numbers";
import { plural, words } from "../../../lib/text";
import { useUrlState } from "../../../lib/urlState";
import { calls, drillsQuery, scheduleQuery, type Drill } from "../api";
import { MutantsTable } from "./MutantsTable";
import styles from "./Drills.module.css";

export function Drills({ name }: { name: string }) {
  const query = useInfiniteQuery(drillsQuery(name));
  const forbidden = useForbidden("write");
  const [job, setJob] = useState<JobRead>();
  const [wanted, setWanted] = useUrlState("drill");
  return (
    <Stack>
      <Panel title="Drill the gates">
        <div className={styles.row}>
          <Action call={calls.run(name)} kind="primary" forbidden={forbidden} onDone={setJob}>
            Run a drill
          </Action>
          <Schedule name={name} />
        </div>
        <p className={styles.help}>
          Models and data that are broken on purpose go through the checks and gates that a real version meets. Nothing
          comes of them, and they spend no alpha.
        </p>
        {job ? <Followed key={job.id} job={job} /> : null}
      </Panel>
      <Read query={query} what="the drills">
        {(drills) => {
          const drill = drills.find(({ id }) => id === wanted) ?? drills[0];
          if (!drill)
            return (
              <Notice tone="attention" title="These gates were never tested">
                <p>A gate that never refuses anything looks like one that works. Run a drill to see.</p>
              </Notice>
            );
          return (
            <>
              {drills.length > 1 ? (
                <Select
                  label="Drill"
                  value={drill.id}
                  onChange={(id) => setWanted(id === drills[0]?.id ? "" : id)}
                  options={drills.map((one) => ({
                    value: one.id,
                    label: `${new Date(one.created_at).toLocaleString()}: ${one.got_through === null ? one.state : `${one.got_through} got through`}`,
                  }))}
                />
              ) : null}
              <Result drill={drill} />
            </>
          );
        }}
      </Read>
    </Stack>
  );
}

function Followed({ job }: { job: JobRead }) {
  return <JobLine job={useJob(job)} />;
}

function Schedule({ name }: { name: string }) {
  const { data } = useQuery(scheduleQuery(name));
  const forbidden = useForbidden("write");
  const [days, setDays] = useState("7");
  const every = days.trim() === "" ? null : Number(days);
  const valid = every === null || (Number.isInteger(every) && every >= 1 && every <= 365);
  return (
    <>
      <FormAction
        title="Drill by itself"
        submit="Set"
        size="small"
        forbidden={forbidden}
        call={valid ? calls.schedule(name, every) : undefined}
        fields={
          <TextField
            label="Every so many days"
            value={days}
            onChange={setDays}
            help="1 to 365; empty: not by itself"
            error={valid ? undefined : "A whole number from 1 to 365, or nothing"}
          />
        }
      >
        Schedule…
      </FormAction>
      {data ? (
        <span className={styles.help}>
          {data.every_days === null ? (
            "Not by itself"
          ) : (
            <>
              Every {plural(data.every_days, "day")}, next {data.due_at ? <RelativeTime at={data.due_at} /> : "soon"}
            </>
          )}
        </span>
      ) : null}
    </>
  );
}

function Result({ drill: { result, state, version, policy_version, created_at, created_by } }: { drill: Drill }) {
  if (!result) {
    const failed = state === "failed";
    return (
      <Notice tone={failed ? "failed" : "running"} title={failed ? "The drill failed" : `The drill is ${state}`}>
        <p>
          {failed ? "Its job says why; run it again." : "Mutants are made and judged; the table appears by itself."}
        </p>
      </Notice>
    );
  }
  const { mutants, rows, frozen_rows, notes } = result;
  const of = (outcome: string) => mutants.filter((one) => one.outcome === outcome);
  const through = of("got_through");
  return (
    <>
      <Notice
        tone={through.length > 0 ? "failed" : "ok"}
        title={
          through.length > 0
            ? `${plural(through.length, "mutant")} got through: ${through.map(({ mutant }) => words(mutant)).join(", ")}`
            : "No mutant got through"
        }
      >
        <p>
          {of("caught").length} caught, {of("held").length} held, {of("harmless").length} harmless. Version {version}{" "}
          under version {policy_version} of the policy, trained on {number(rows)} rows and judged on{" "}
          {number(frozen_rows)}; <RelativeTime at={created_at} /> by {created_by}.
        </p>
        {through.length > 0 ? <p>Add the check that would have seen it, then drill again.</p> : null}
        {notes.map((note) => (
          <p key={note}>{note}</p>
        ))}
      </Notice>
      <MutantsTable title="Mutants of the model" mutants={mutants.filter((one) => one.of === "model")} name="model" />
      <MutantsTable title="Mutants of the data" mutants={mutants.filter((one) => one.of === "data")} name="data" />
    </>
  );
}
