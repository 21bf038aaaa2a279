/** Candidate and champion on the same rows: the effect with its interval against zero and the bar, slice by slice. */
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { DataTable, type Column } from "../../../components/DataTable";
import { Intervals } from "../../../components/charts/Intervals";
import { Facts } from "../../../components/Facts";
import { State } from "../../../components/State";
import { end, plainly } from "../../../lib/bounds";
import { number, percent } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import { words } from "../../../lib/text";
import type { Comparison, Promotion } from "../api";
import { effectsOf } from "../drawn";
import { barOf, signed, sliceMarginOf, type SliceComparison } from "../gates";
import { AlphaSpent } from "./AlphaSpent";
import styles from "./GateReport.module.css";

/** Rows that a chart shows before it becomes a wall. */
const MOST = 24;

const interval = (low: number | null | undefined, high: number | null | undefined) =>
  `${end(low) === null ? "no bound" : signed(low)} to ${end(high) === null ? "no bound" : signed(high)}`;

const COLUMNS: Column<SliceComparison>[] = [
  {
    id: "slice",
    header: "Slice",
    value: ({ label }) => label,
    cell: ({ label }) => <span title={label}>{label}</span>,
    width: "minmax(140px, 1.4fr)",
  },
  {
    id: "verdict",
    header: "Verdict",
    value: ({ verdict }) => verdict,
    cell: (slice) => <Verdict of={slice} />,
    width: "132px",
  },
  {
    id: "rows",
    header: "Rows",
    value: ({ rows }) => rows,
    cell: ({ rows }) => number(rows),
    align: "end",
    width: "80px",
  },
  {
    id: "champion",
    header: "Champion",
    value: (slice) => slice.champion_value,
    cell: (slice) => number(slice.champion_value),
    align: "end",
    width: "100px",
  },
  {
    id: "candidate",
    header: "Candidate",
    value: (slice) => slice.challenger_value,
    cell: (slice) => number(slice.challenger_value),
    align: "end",
    width: "100px",
  },
  {
    id: "effect",
    header: "Effect",
    hint: "Relative improvement; positive is better",
    value: ({ effect }) => effect,
    cell: ({ effect }) => signed(effect),
    align: "end",
    width: "90px",
  },
  {
    id: "interval",
    header: "Interval",
    value: ({ low }) => low,
    cell: ({ judged, low, high }) => (judged ? interval(low, high) : "–"),
    width: "160px",
  },
  {
    id: "p",
    header: "p (Holm)",
    hint: "That it is worse than the margin allows: adjusted by Holm over the judged slices",
    value: (slice) => slice.p_adjusted,
    cell: (slice) => number(slice.p_adjusted),
    align: "end",
    width: "90px",
  },
  {
    id: "pworse",
    header: "p worse (Holm)",
    hint: "That it is no worse than the margin allows: adjusted by Holm",
    value: (slice) => slice.p_worse_adjusted,
    cell: (slice) => number(slice.p_worse_adjusted),
    align: "end",
    width: "120px",
  },
  {
    id: "message",
    header: "Says",
    value: ({ message }) => message,
    cell: ({ message }) => <span title={message}>{plainly(message)}</span>,
    width: "minmax(200px, 2fr)",
    optional: true,
  },
];

function Verdict({ of: { judged, verdict, message } }: { of: SliceComparison }) {
  return judged ? <State of={verdict} /> : <span title={message}>too small</span>;
}

export function ChampionComparison({ comparison, promotion }: { comparison: Comparison; promotion: Promotion }) {
  const all = useMemo(() => effectsOf(comparison), [comparison]);
  const shown = useMemo(() => all.slice(0, MOST), [all]);
  const bar = barOf(comparison);
  const allowed = sliceMarginOf(promotion);
  const marks = useMemo(
    () => [0, bar, ...(allowed === undefined ? [] : [-allowed])].map((at) => ({ at, name: "" })),
    [bar, allowed],
  );
  const { evidence, champion_version, version, model } = promotion;
  const link = (number: number | null) =>
    number === null ? null : (
      <Link to="/models/$name/versions/$number" params={{ name: model, number: String(number) }}>
        v{number}
      </Link>
    );
  return (
    <>
      <Intervals
        label={`Improvement of ${comparison.metric} over the champion, relative; right is better`}
        intervals={shown}
        marks={marks}
        format={signed}
      />
      <p className={styles.message}>
        Dashed: 0, as good as the champion
        {bar === 0 ? "" : `; ${signed(bar)}, ${bar > 0 ? "asked of" : "allowed on"} all rows`}
        {allowed === undefined ? "" : `; ${signed(-allowed)}, allowed on a slice`}. “Open”: that end of the interval is
        not known.
      </p>
      {all.length > MOST ? <p>The worst {MOST - 1} slices are drawn; the table has all.</p> : null}
      <Facts
        of={{
          [comparison.metric]: (
            <>
              candidate {link(version)} {number(comparison.challenger_value)}, champion {link(champion_version)}{" "}
              {number(comparison.champion_value)}
            </>
          ),
          Effect: `${signed(comparison.effect)}, from ${interval(comparison.low, comparison.high)}`,
          "p-value": `${number(comparison.p_value)}; passes at ${number(comparison.alpha)} or less`,
          Rows: `${number(comparison.rows)} frozen rows${evidence?.frozen_rows ? ` of ${evidence.frozen_rows}` : ""}`,
          "Left out": evidence?.excluded.map(({ rows, reason }) => `${number(rows)}: ${reason}`).join("; "),
          "Rows needed": comparison.rows_needed ? `about ${number(comparison.rows_needed)}` : null,
          "Could tell": comparison.detectable_effect
            ? `an effect of ${percent(comparison.detectable_effect)} or more`
            : null,
          Power: comparison.power === null || comparison.power === undefined ? null : percent(comparison.power),
          Test: `${words(comparison.hypothesis)}; ${comparison.method}`,
          Alpha: evidence?.alpha ? <AlphaSpent alpha={evidence.alpha} /> : null,
        }}
      />
      {comparison.slices.length > 0 ? (
        <DataTable
          label="Slices against the champion"
          name="slice"
          rows={comparison.slices}
          columns={COLUMNS}
          rowKey={({ label }) => label}
          empty="No slices are asked for."
          tone={({ judged, verdict }) => (judged && verdict !== "pass" ? toneOf(verdict) : undefined)}
          initialSort={{ id: "effect", desc: false }}
          height="420px"
        />
      ) : null}
    </>
  );
}
