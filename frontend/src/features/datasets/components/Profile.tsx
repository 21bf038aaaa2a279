/** The columns of a version: a table of all, and everything about the one that is chosen. */
import { useMemo } from "react";
import { Histogram } from "../../../components/charts/Histogram";
import { DataTable, type Column } from "../../../components/DataTable";
import { Facts } from "../../../components/Facts";
import { Columns, Stack } from "../../../components/Page";
import { LinkButton } from "../../../components/LinkButton";
import { Panel } from "../../../components/Panel";
import { Bars } from "../../../components/Spark";
import { number, percent } from "../../../lib/numbers";
import { useUrlState } from "../../../lib/urlState";
import type { ColumnProfile, Profile as ProfileRead } from "../api";
import { counts, distribution } from "../profile";
import styles from "./Profile.module.css";

const extreme = (value: number | string | null | undefined) => (typeof value === "string" ? value : number(value));
const share = (count: number, rows: number) => (rows ? count / rows : 0);

function columns(rows: number, pick: (name: string) => void, picked: string): Column<ColumnProfile>[] {
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
      width: "minmax(120px, 1.4fr)",
    },
    { id: "type", header: "Type", value: ({ type }) => type, width: "90px" },
    {
      id: "shape",
      header: "Distribution",
      value: ({ distinct }) => distinct,
      cell: (column) => <Bars values={counts(column)} label={`Distribution of ${column.name}`} />,
      width: "125px",
    },
    {
      id: "nulls",
      header: "Empty",
      value: ({ nulls }) => nulls,
      cell: ({ nulls }) => (nulls ? percent(share(nulls, rows), 2) : "0"),
      align: "end",
      width: "80px",
    },
    {
      id: "distinct",
      header: "Distinct",
      value: ({ distinct }) => distinct,
      cell: ({ distinct }) => number(distinct),
      align: "end",
      width: "90px",
    },
    {
      id: "mean",
      header: "Mean",
      value: ({ mean }) => mean,
      cell: ({ mean }) => number(mean),
      align: "end",
      width: "90px",
    },
    {
      id: "min",
      header: "Min",
      value: ({ minimum }) => minimum,
      cell: ({ minimum }) => extreme(minimum),
      align: "end",
      width: "100px",
    },
    {
      id: "max",
      header: "Max",
      value: ({ maximum }) => maximum,
      cell: ({ maximum }) => extreme(maximum),
      align: "end",
      width: "100px",
    },
    {
      id: "std",
      header: "Std",
      value: ({ std }) => std,
      cell: ({ std }) => number(std),
      align: "end",
      width: "90px",
      optional: true,
    },
  ];
}

const QUANTILE_NAMES: Record<string, string> = { "0.5": "Median" };

function Detail({ column, rows }: { column: ColumnProfile; rows: number }) {
  const picture = useMemo(() => distribution(column, rows, column.name), [column, rows]);
  const { type, nulls, distinct, minimum, maximum, mean, std, quantiles, top, histogram } = column;
  const quantileFacts = Object.entries(quantiles).map(([at, value]) => [
    QUANTILE_NAMES[at] ?? `Quantile ${at}`,
    number(value),
  ]);
  return (
    <Stack>
      {picture ? (
        <Histogram label={`Distribution of ${column.name}`} bins={picture.bins} of={picture.of} />
      ) : (
        <p className={styles.quiet}>There is no picture: the column holds no values that can be counted.</p>
      )}
      <Facts
        of={{
          Type: type,
          Empty: `${number(nulls)} of ${number(rows)} (${percent(share(nulls, rows), 2)})`,
          "Distinct values": number(distinct),
          Smallest: minimum == null ? undefined : extreme(minimum),
          Largest: maximum == null ? undefined : extreme(maximum),
          Mean: mean == null ? undefined : number(mean),
          "Standard deviation": std == null ? undefined : number(std),
          ...(Object.fromEntries(quantileFacts) as Record<string, string>),
          "Most frequent":
            top.length > 0 && histogram.length === 0
              ? top
                  .slice(0, 5)
                  .map(({ value, count }) => `${value} (${percent(share(count, rows))})`)
                  .join(", ")
              : undefined,
        }}
      />
    </Stack>
  );
}

export function Profile({ profile }: { profile: ProfileRead }) {
  const [wanted, setWanted] = useUrlState("column");
  const chosen = profile.columns.find(({ name }) => name === wanted) ?? profile.columns[0];
  const picked = chosen?.name ?? "";
  const shown = useMemo(() => columns(profile.rows, setWanted, picked), [profile.rows, setWanted, picked]);
  return (
    <Columns>
      <DataTable
        label="Columns"
        rows={profile.columns}
        columns={shown}
        rowKey={({ name }) => name}
        empty="The table has no columns."
      />
      {chosen ? (
        <Panel title={chosen.name}>
          <Detail column={chosen} rows={profile.rows} />
        </Panel>
      ) : null}
    </Columns>
  );
}
