/** Runs with their metrics and parameters as columns, by the server's filter and order, to look at or to compare. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { createContext, useContext, useMemo, useState, type Dispatch, type SetStateAction } from "react";
import { Button } from "../../../components/Button";
import { DataTable, type Column } from "../../../components/DataTable";
import { TextField } from "../../../components/Fields";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { number } from "../../../lib/numbers";
import { duration } from "../../../lib/time";
import { useUrlState } from "../../../lib/urlState";
import { runsQuery, type RunRead } from "../api";
import { metricOf, namesOf, placeInFilter, plain } from "../columns";
import styles from "./Runs.module.css";

const MOST_COMPARED = 100;

interface Choice {
  chosen: ReadonlySet<string>;
  setChosen: Dispatch<SetStateAction<ReadonlySet<string>>>;
}

/** Not in the columns: with each tick they would be others, and the whole table would be put together anew. */
const ChoiceContext = createContext<Choice>({ chosen: new Set(), setChosen: () => undefined });

function Tick({ id }: { id: string }) {
  const { chosen, setChosen } = useContext(ChoiceContext);
  return (
    <input
      type="checkbox"
      aria-label={`Compare run ${id.slice(-8)}`}
      checked={chosen.has(id)}
      onChange={({ target }) =>
        setChosen((old) => new Set(target.checked ? [...old, id] : [...old].filter((other) => other !== id)))
      }
    />
  );
}

const TICKS: Column<RunRead> = {
  id: "compare",
  header: "✓",
  hint: "Chosen to compare",
  value: () => undefined,
  cell: ({ id }) => <Tick id={id} />,
  width: "48px",
};

function fixedColumns(inExperiment: boolean): Column<RunRead>[] {
  return [
    {
      id: "created_at",
      header: "Run",
      value: (run) => run.created_at,
      cell: (run) => (
        <Link to="/runs/$id" params={{ id: run.id }} title={run.id}>
          {run.id.slice(-8)}, <RelativeTime at={run.created_at} />
        </Link>
      ),
      width: "180px",
    },
    {
      id: "state",
      header: "State",
      value: (run) => run.state,
      cell: (run) => <State of={run.state} />,
      width: "110px",
    },
    {
      id: "experiment",
      header: "Experiment",
      value: (run) => run.experiment,
      cell: (run) => (
        <Link to="/experiments/$name" params={{ name: run.experiment }} title={run.experiment}>
          {run.experiment}
        </Link>
      ),
      width: "minmax(110px, 1fr)",
      optional: inExperiment,
    },
    {
      id: "dataset",
      header: "Data",
      value: (run) => `${run.dataset}@${run.dataset_version}`,
      cell: (run) => (
        <Link
          to="/datasets/$name/versions/$number"
          params={{ name: run.dataset, number: String(run.dataset_version) }}
          title={`${run.dataset}@${run.dataset_version}`}
        >
          {run.dataset}@{run.dataset_version}
        </Link>
      ),
      width: "minmax(110px, 1fr)",
    },
    { id: "trainer", header: "Trainer", value: (run) => run.trainer, width: "minmax(140px, 1fr)" },
    {
      id: "duration",
      header: "Took",
      value: (run) => run.duration_seconds,
      cell: (run) => (run.duration_seconds == null ? "–" : duration(run.duration_seconds)),
      width: "90px",
      align: "end",
    },
    { id: "by", header: "By", value: (run) => run.created_by, width: "110px", optional: true },
    { id: "code", header: "Code", value: (run) => run.code_commit?.slice(0, 10), width: "110px", optional: true },
    { id: "seed", header: "Seed", value: (run) => run.seed, width: "80px", align: "end", optional: true },
    { id: "reason", header: "Reason", value: (run) => run.reason, width: "minmax(160px, 1fr)", optional: true },
  ];
}

function measured(rows: readonly RunRead[]): Column<RunRead>[] {
  const { metrics, params, shown } = namesOf(rows);
  return [
    ...metrics.map((name): Column<RunRead> => {
      const value = (run: RunRead) => metricOf(run.metrics[name]);
      return {
        id: `metrics.${name}`,
        header: name,
        value,
        cell: (run) => number(value(run)),
        width: "minmax(110px, 1fr)",
        align: "end",
        optional: !shown.has(`metrics.${name}`),
      };
    }),
    ...params.map((name): Column<RunRead> => {
      const value = (run: RunRead) => plain(run.params[name]);
      return {
        id: `params.${name}`,
        header: name,
        hint: `Parameter ${name}`,
        value,
        cell: (run) => <span title={String(value(run) ?? "")}>{String(value(run) ?? "–")}</span>,
        width: "minmax(120px, 1fr)",
        align: "end",
        optional: !shown.has(`params.${name}`),
      };
    }),
  ];
}

function FilterField({ error }: { error: { message: string; fix?: string | undefined } | undefined }) {
  const [filter, setFilter] = useUrlState("filter");
  const [draft, setDraft] = useState(filter);
  const at = error ? placeInFilter(error.message) : undefined;
  return (
    <form
      className={styles.filter}
      onSubmit={(event) => {
        event.preventDefault();
        setFilter(draft.trim() || undefined);
      }}
    >
      <TextField
        label="Filter"
        type="search"
        value={draft}
        onChange={setDraft}
        placeholder='metrics.test_mae < 50 and trainer in ("linear", "random_forest")'
        error={error ? `${error.message} ${error.fix ?? ""}` : undefined}
      />
      <Button type="submit">Apply</Button>
      {error && at !== undefined ? (
        <pre className={styles.place} aria-hidden="true">{`${filter}\n${" ".repeat(Math.max(at, 0))}^`}</pre>
      ) : null}
    </form>
  );
}

export function RunsTable({ experiment }: { experiment?: string }) {
  const [filter] = useUrlState("filter");
  const [sort] = useUrlState("sort", "-created_at");
  const query = useInfiniteQuery(runsQuery({ filter, sort, ...(experiment === undefined ? {} : { experiment }) }));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const rows = query.data;
  const columns = useMemo(
    () => [TICKS, ...fixedColumns(experiment !== undefined), ...measured(rows ?? [])],
    [experiment, rows],
  );
  const choice = useMemo(() => ({ chosen, setChosen }), [chosen]);
  const { error } = query;
  const wrong =
    error && "where" in error && typeof error.where === "string" && error.where.endsWith("filter") ? error : undefined;
  const fits = chosen.size >= 2 && chosen.size <= MOST_COMPARED;
  return (
    <ChoiceContext value={choice}>
      <FilterField key={filter} error={wrong} />
      {wrong ? null : (
        <Read query={query} what="the runs">
          {(found) => (
            <DataTable
              label="Runs"
              rows={found}
              columns={columns}
              rowKey={({ id }) => id}
              initialSort={{ id: "created_at", desc: true }}
              tone={({ state }) => (state === "failed" ? "failed" : undefined)}
              tools={
                chosen.size > 0 ? (
                  <>
                    {fits ? (
                      <Link to="/compare" search={{ ids: [...chosen].join(",") } as never}>
                        Compare {chosen.size} runs
                      </Link>
                    ) : (
                      <span>
                        {chosen.size < 2 ? "Choose one more to compare" : `At most ${MOST_COMPARED} can be compared`}
                      </span>
                    )}
                    <Button onClick={() => setChosen(new Set())}>Choose none</Button>
                  </>
                ) : null
              }
              empty={filter ? "No run meets the filter." : "No run yet. Train in an experiment, or by a pipeline."}
              onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
            />
          )}
        </Read>
      )}
    </ChoiceContext>
  );
}
