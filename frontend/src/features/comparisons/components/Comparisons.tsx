/** Ordering a comparison on the same rows, and those that were made. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useForbidden } from "../../../client/access";
import { useJob, type JobRead } from "../../../client/job";
import { Action } from "../../../components/Action";
import { Intervals } from "../../../components/charts/Intervals";
import { CopyId } from "../../../components/Copy";
import { FieldRow, TextArea, TextField } from "../../../components/Fields";
import { JobLine } from "../../../components/JobLine";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { number, percent } from "../../../lib/numbers";
import { plural } from "../../../lib/text";
import { compare, comparisonsQuery, type Comparison } from "../api";
import { askedOf, groupsOf, type Group } from "../asked";
import styles from "./Comparisons.module.css";

export function Comparisons({ name, versions }: { name: string; versions: string }) {
  const query = useInfiniteQuery(comparisonsQuery(name));
  return (
    <Stack>
      <Order key={versions} name={name} versions={versions} />
      <Read query={query} what="the comparisons">
        {(comparisons) => comparisons.map((comparison) => <One key={comparison.id} comparison={comparison} />)}
      </Read>
    </Stack>
  );
}

function Order({ name, versions: given }: { name: string; versions: string }) {
  const forbidden = useForbidden("write");
  const [versions, setVersions] = useState(given);
  const [datasets, setDatasets] = useState("");
  const [where, setWhere] = useState("");
  const [metric, setMetric] = useState("");
  const [job, setJob] = useState<JobRead>();
  const asked = askedOf(versions, datasets, where, metric);
  return (
    <Panel title="On the same rows">
      <div className={styles.form}>
        <FieldRow>
          <TextField label="Versions to score" value={versions} onChange={setVersions} placeholder="2,3,rides@1" />
          <TextField label="Datasets" value={datasets} onChange={setDatasets} placeholder="bikes@4,bikes@5" />
          <TextField label="Metric" value={metric} onChange={setMetric} help="Empty: mae for numbers, else accuracy" />
        </FieldRow>
        <TextArea
          label="Subsets"
          value={where}
          onChange={setWhere}
          rows={2}
          code
          help="One SQL predicate a line, as: season = 1"
        />
        <Action
          call={compare(name, asked ?? { versions: [], datasets: [], where: [], metric: null })}
          kind="primary"
          forbidden={forbidden ?? (asked ? undefined : "Name versions and datasets")}
          onDone={setJob}
        >
          Score them
        </Action>
        {job ? <Followed key={job.id} job={job} /> : null}
      </div>
    </Panel>
  );
}

function Followed({ job }: { job: JobRead }) {
  return <JobLine job={useJob(job)} />;
}

function One({ comparison }: { comparison: Comparison }) {
  const { id, metric, versions, state, result, created_at, created_by } = comparison;
  return (
    <Panel title={`${metric} of ${versions.map(({ ref }) => ref).join(", ")}`}>
      <p className={styles.head}>
        <State of={state} />
        <RelativeTime at={created_at} /> <span>by {created_by}</span>
        <CopyId id={id} noun="comparison" />
      </p>
      {result ? (
        groupsOf(result).map((group) => <Subset key={group.name} group={group} metric={metric} />)
      ) : (
        <p>
          {state === "failed"
            ? "It failed; its job says why."
            : "A worker scores the versions; the result appears here."}
        </p>
      )}
    </Panel>
  );
}

function Subset({ group: { name, cells, pairs }, metric }: { group: Group; metric: string }) {
  const intervals = useMemo(
    () =>
      cells.flatMap(({ version, value, low, high }) =>
        typeof value === "number" ? [{ name: version, estimate: value, low: low ?? null, high: high ?? null }] : [],
      ),
    [cells],
  );
  const same = new Set(cells.map((cell) => cell.rows_digest)).size === 1;
  return (
    <section className={styles.subset} aria-label={name}>
      <h3>{name}</h3>
      {intervals.length > 0 ? <Intervals label={`${metric} on ${name}`} intervals={intervals} /> : null}
      <p className={styles.muted}>
        {cells
          .map(({ version, rows, rows_excluded, problem }) =>
            problem
              ? `${version}: ${problem}`
              : `${version}: ${plural(rows, "row")}${rows_excluded > 0 ? `, ${number(rows_excluded)} left out that it was trained on` : ""}`,
          )
          .join("; ")}
        . {same ? "The very same rows." : "Not the same rows: each without those it was trained on."}
      </p>
      {pairs.map(({ champion, challenger, comparison, problem }) => (
        <p key={champion + challenger}>
          {challenger} against {champion}:{" "}
          {comparison
            ? `${comparison.effect > 0 ? "+" : ""}${percent(comparison.effect)}, from ${percent(comparison.low)} to ${percent(comparison.high)}, p = ${number(comparison.p_value)} on ${plural(comparison.rows, "row")} that neither was trained on (positive is better)`
            : problem}
        </p>
      ))}
    </section>
  );
}
