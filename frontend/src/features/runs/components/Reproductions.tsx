/** Whether the same came out when the run was trained again. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Facts } from "../../../components/Facts";
import { Panel } from "../../../components/Panel";
import { Stack } from "../../../components/Page";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { number } from "../../../lib/numbers";
import { reproductionsQuery, type ReproductionRead } from "../api";

function changes({ finding }: ReproductionRead): string {
  const env = (finding?.environment ?? []).map(({ name, first, again }) => `${name} ${first ?? "–"} → ${again ?? "–"}`);
  return env.join(", ");
}

function One({ of }: { of: ReproductionRead }) {
  const { finding } = of;
  const metrics = (finding?.metrics ?? []).slice(0, 5);
  return (
    <Facts
      of={{
        Verdict: <State of={of.verdict ?? of.state} />,
        Asked: <RelativeTime at={of.created_at} />,
        Again: of.again_id && (
          <Link to="/runs/$id" params={{ id: of.again_id }}>
            run {of.again_id.slice(-8)}
          </Link>
        ),
        Job: (
          <Link to="/jobs/$id" params={{ id: of.job_id }}>
            {of.state}
          </Link>
        ),
        Tolerance: number(of.tolerance),
        Why: finding?.reasons.join(" "),
        Metrics:
          metrics.length > 0
            ? metrics.map(({ name, first, again }) => `${name} ${number(first)} → ${number(again)}`).join(", ")
            : undefined,
        Predictions: finding?.predictions
          ? `${number(finding.predictions.differing)} of ${number(finding.predictions.rows)} rows differ, by ${number(finding.predictions.largest)} at most`
          : undefined,
        Environment: changes(of),
      }}
    />
  );
}

export function Reproductions({ id }: { id: string }) {
  const query = useInfiniteQuery(reproductionsQuery(id));
  return (
    <Panel title="Reproduced" count={query.data?.length ?? 0}>
      <Read query={query} what="the reproductions">
        {(rows) =>
          rows.length === 0 ? (
            <p>Never yet: reproduce it to see whether the same data, code and seed give the same model.</p>
          ) : (
            <Stack>
              {rows.map((row) => (
                <One key={row.id} of={row} />
              ))}
            </Stack>
          )
        }
      </Read>
    </Panel>
  );
}
