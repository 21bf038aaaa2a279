/** Two versions compared: columns, rows, and how far each column moved, with both distributions. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Histogram } from "../../../components/charts/Histogram";
import { DataTable, type Column } from "../../../components/DataTable";
import { Facts, Stat, Stats } from "../../../components/Facts";
import { Columns, Stack } from "../../../components/Page";
import { LinkButton } from "../../../components/LinkButton";
import { Panel } from "../../../components/Panel";
import { RowsTable } from "../../../components/RowsTable";
import { number } from "../../../lib/numbers";
import { useUrlState } from "../../../lib/urlState";
import { profileQuery, type Diff, type Profile, type Version } from "../api";
import { changedPairs, movedLabel } from "../diff";
import { sideBySide } from "../profile";
import styles from "./DiffView.module.css";

type Shift = Diff["shifts"][number];

function Schema({ diff }: { diff: Diff }) {
  const { columns_added: added, columns_removed: removed, columns_retyped: retyped } = diff;
  const retypedNames = Object.entries(retyped);
  const same = added.length + removed.length + retypedNames.length === 0;
  return (
    <Panel title="Columns" empty={same && "Both have the same columns, with the same types."}>
      <Facts
        of={{
          Added: added.join(", "),
          Removed: removed.join(", "),
          "Other type": retypedNames.map(([name, [before, after]]) => `${name}: ${before} → ${after}`).join(", "),
        }}
      />
    </Panel>
  );
}

function RowsMoved({ diff }: { diff: Diff }) {
  const { rows_before, rows_after, rows_added, rows_removed, rows_changed, key } = diff;
  return (
    <Stats>
      <Stat label={`Rows in ${diff.before}`} value={number(rows_before)} />
      <Stat label={`Rows in ${diff.after}`} value={number(rows_after)} />
      <Stat label="Added" value={number(rows_added)} tone={rows_added ? "ok" : undefined} />
      <Stat label="Removed" value={number(rows_removed)} tone={rows_removed ? "failed" : undefined} />
      {key.length > 0 ? (
        <Stat label="Changed" value={number(rows_changed)} tone={rows_changed ? "attention" : undefined} />
      ) : null}
    </Stats>
  );
}

function Examples({ title, total, rows }: { title: string; total: number; rows: readonly Record<string, unknown>[] }) {
  if (total === 0) return null;
  return (
    <Panel title={rows.length < total ? `${title}: the first ${rows.length} of ${number(total)}` : title}>
      <RowsTable label={title} rows={rows} />
    </Panel>
  );
}

function Changed({ diff }: { diff: Diff }) {
  const changes = Object.entries(diff.changes).sort(([, a], [, b]) => b - a);
  if (!diff.rows_changed) return null;
  return (
    <Panel title={`Changed: the first ${diff.changed.length} of ${number(diff.rows_changed)}`}>
      <Stack>
        <p className={styles.quiet}>
          Rows that differ, by column:{" "}
          {changes
            .slice(0, 20)
            .map(([name, rows]) => `${name} ${number(rows)}`)
            .join(", ")}
        </p>
        <RowsTable
          label="Changed rows"
          rows={changedPairs(diff)}
          first={diff.key}
          marked={changes.map(([name]) => name)}
        />
      </Stack>
    </Panel>
  );
}

function shiftColumns(pick: (name: string) => void, picked: string): Column<Shift>[] {
  return [
    {
      id: "name",
      header: "Column",
      value: ({ name }) => name,
      cell: ({ name }) => (
        <LinkButton title={name} pressed={name === picked} onClick={() => pick(name)}>
          {name}
        </LinkButton>
      ),
      width: "minmax(110px, 1.4fr)",
    },
    {
      id: "moved",
      header: "Moved",
      value: ({ psi }) => movedLabel(psi),
      width: "100px",
      hint: "By PSI: above 0.1 somewhat, above 0.25 a lot",
    },
    { id: "psi", header: "PSI", value: ({ psi }) => psi, cell: ({ psi }) => number(psi), align: "end", width: "100px" },
    {
      id: "js",
      header: "JS",
      value: ({ js }) => js,
      cell: ({ js }) => number(js),
      align: "end",
      width: "100px",
      hint: "Jensen-Shannon divergence",
    },
    {
      id: "before",
      header: "Mean before",
      value: ({ mean_before }) => mean_before,
      cell: ({ mean_before }) => number(mean_before),
      align: "end",
      width: "110px",
    },
    {
      id: "after",
      header: "Mean after",
      value: ({ mean_after }) => mean_after,
      cell: ({ mean_after }) => number(mean_after),
      align: "end",
      width: "110px",
    },
    {
      id: "nulls_before",
      header: "Empty before",
      value: ({ nulls_before }) => nulls_before,
      align: "end",
      width: "110px",
      optional: true,
    },
    {
      id: "nulls_after",
      header: "Empty after",
      value: ({ nulls_after }) => nulls_after,
      align: "end",
      width: "110px",
      optional: true,
    },
  ];
}

const TONES = new Map([
  ["a lot", "failed"],
  ["somewhat", "attention"],
]);

interface SidesProps {
  name: string;
  before: { version: Version; profile: Profile | undefined };
  after: { version: Version; profile: Profile | undefined };
}

function Sides({ name, before, after }: SidesProps) {
  const both = useMemo(() => {
    const side = ({ version, profile }: SidesProps["before"]) => ({
      name: `version ${version.number}`,
      rows: profile?.rows ?? 0,
      column: profile?.columns.find((column) => column.name === name),
    });
    return sideBySide([side(before), side(after)]);
  }, [name, before, after]);
  if (!both)
    return <p className={styles.quiet}>There is no picture: neither version has values that can be counted.</p>;
  return <Histogram label={`Distribution of ${name} in both versions`} bins={both.bins} of={both.of} height={260} />;
}

function Distributions({ diff, before, after }: { diff: Diff; before: Version; after: Version }) {
  const [wanted, setWanted] = useUrlState("column");
  const profiles = [useQuery(profileQuery(before)).data, useQuery(profileQuery(after)).data] as const;
  const most = diff.shifts.reduce<Shift | undefined>(
    (one, other) => ((one?.psi ?? -1) >= (other.psi ?? -1) ? one : other),
    undefined,
  );
  const chosen = diff.shifts.find(({ name }) => name === wanted) ?? most;
  const picked = chosen?.name ?? "";
  const columns = useMemo(() => shiftColumns(setWanted, picked), [setWanted, picked]);
  const sides = useMemo(
    () => ({ before: { version: before, profile: profiles[0] }, after: { version: after, profile: profiles[1] } }),
    [before, after, profiles[0], profiles[1]], // eslint-disable-line react-hooks/exhaustive-deps -- the pair is new each time
  );
  return (
    <Columns>
      <DataTable
        label="How far each column moved"
        rows={diff.shifts}
        columns={columns}
        rowKey={({ name }) => name}
        initialSort={{ id: "psi", desc: true }}
        tone={({ psi }) => TONES.get(movedLabel(psi))}
        empty="The versions share no column."
      />
      {chosen ? (
        <Panel title={chosen.name}>
          <Sides name={chosen.name} {...sides} />
        </Panel>
      ) : null}
    </Columns>
  );
}

export function DiffView({ diff, before, after }: { diff: Diff; before: Version; after: Version }) {
  return (
    <>
      <RowsMoved diff={diff} />
      <Schema diff={diff} />
      <Distributions diff={diff} before={before} after={after} />
      <Changed diff={diff} />
      <Examples title="Added" total={diff.rows_added} rows={diff.added} />
      <Examples title="Removed" total={diff.rows_removed} rows={diff.removed} />
    </>
  );
}
