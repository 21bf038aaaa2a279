/** The governor of retrains: would it start one now, what holds it back, and what it said lately. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { DataTable, type Column } from "../../../components/DataTable";
import { Facts, Stat, Stats } from "../../../components/Facts";
import { Notice } from "../../../components/Notice";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { words } from "../../../lib/text";
import { duration, serverNow } from "../../../lib/time";
import { governorQuery, type GovernorRead, type RulingRead } from "../api";
import { afterRule, ruleTone } from "../rules";
import { VerdictStrip } from "./VerdictStrip";

type GovernorPipeline = GovernorRead["pipelines"][number];

export function GovernorTab({ name }: { name: string }) {
  const query = useQuery(governorQuery(name));
  return (
    <Read query={query} what="the governor">
      {(governor) => (
        <Stack>
          {governor.pipelines.length === 0 ? (
            <Notice tone="attention" title="No pipeline retrains this endpoint's model by itself">
              <p>
                Add a trigger on drift of {name} to a <Link to="/pipelines">pipeline</Link>: then bad windows ask the
                governor.
              </p>
            </Notice>
          ) : null}
          {governor.pipelines.map((one) => (
            <OnePipeline key={one.pipeline} of={one} governor={governor} />
          ))}
          <Panel
            title="Last windows"
            empty={governor.windows.length === 0 && "No window of the version that answers has closed yet."}
          >
            <VerdictStrip verdicts={[...governor.windows].reverse()} />
            <p>
              {governor.windows_bad} of the last {governor.windows.length} are bad; {governor.windows_needed} of{" "}
              {governor.windows_seen} are needed.
              {governor.broken_columns.length > 0 ? ` Broken columns: ${governor.broken_columns.join(", ")}.` : null}
            </p>
          </Panel>
          <Panel title="Last rulings">
            <Rulings rulings={governor.rulings} />
          </Panel>
        </Stack>
      )}
    </Read>
  );
}

function OnePipeline({ of, governor }: { of: GovernorPipeline; governor: GovernorRead }) {
  const { policy } = governor;
  const cooling = of.cooldown_until !== null && Date.parse(of.cooldown_until) > serverNow();
  const met = governor.windows_bad >= governor.windows_needed;
  return (
    <>
      <Notice
        tone={ruleTone(of.rule)}
        title={of.would_start_now ? "A retrain would start now" : `No retrain would start now: ${words(of.rule)}`}
      >
        <p>{of.reason}</p>
        <p>{afterRule(of.rule)}</p>
      </Notice>
      <Panel title={`Pipeline ${of.pipeline}`}>
        <Stats>
          <Stat
            label="Budget left today"
            value={`${of.budget_left} of ${of.budget}`}
            note={`${of.budget_used} started within a day`}
            {...(of.budget_left === 0 ? { tone: "attention" } : {})}
          />
          <Stat
            label="Cooldown"
            value={
              cooling && of.cooldown_until ? (
                <>
                  until <RelativeTime at={of.cooldown_until} />
                </>
              ) : (
                "over"
              )
            }
            note={`${duration(policy.cooldown_seconds)} between retrains`}
            {...(cooling ? { tone: "attention" } : {})}
          />
          <Stat
            label="Hysteresis"
            value={`${governor.windows_bad} of ${governor.windows.length} bad`}
            note={
              met
                ? `met: ${governor.windows_needed} of ${governor.windows_seen}`
                : `needs ${governor.windows_needed} of ${governor.windows_seen}`
            }
          />
          <Stat
            label="Circuit breaker"
            value={of.breaker_open ? "open" : "closed"}
            note={`${of.failed_gates} of ${of.max_failed_gates} gates failed in a row`}
            tone={of.breaker_open ? "failed" : "ok"}
          />
        </Stats>
        <br />
        <Facts
          of={{
            Pipeline: (
              <Link to="/pipelines/$name" params={{ name: of.pipeline }}>
                {of.pipeline}
              </Link>
            ),
            "In flight": of.in_flight ? (
              <Link to="/pipeline-runs/$id" params={{ id: of.in_flight }}>
                run {of.in_flight.slice(-8)}
              </Link>
            ) : (
              "nothing"
            ),
            "Last start": of.last_started_at ? <RelativeTime at={of.last_started_at} /> : "never by itself",
          }}
        />
      </Panel>
    </>
  );
}

const RULINGS: Column<RulingRead>[] = [
  { id: "at", header: "When", value: ({ seq }) => seq, cell: ({ at }) => <RelativeTime at={at} />, width: "120px" },
  {
    id: "said",
    header: "Said",
    value: ({ started, rule }) => (started ? "started" : words(rule)),
    cell: ({ started, rule }) => <Tag tone={ruleTone(rule)}>{started ? "started" : words(rule)}</Tag>,
    width: "130px",
  },
  {
    id: "reason",
    header: "Why",
    value: ({ reason }) => reason,
    cell: ({ reason }) => <span title={reason}>{reason}</span>,
    width: "minmax(220px, 2fr)",
  },
  { id: "pipeline", header: "Pipeline", value: ({ pipeline }) => pipeline, width: "minmax(110px, 0.8fr)" },
  {
    id: "run",
    header: "Run",
    value: ({ run_id: id }) => id,
    cell: ({ run_id: id }) =>
      id ? (
        <Link to="/pipeline-runs/$id" params={{ id }}>
          {id.slice(-8)}
        </Link>
      ) : (
        "–"
      ),
    width: "100px",
  },
];

export function Rulings({ rulings }: { rulings: readonly RulingRead[] }) {
  return (
    <DataTable
      label="Rulings of the governor"
      name="r"
      rows={rulings}
      columns={RULINGS}
      rowKey={({ seq }) => String(seq)}
      empty="Nothing was asked of it yet: it speaks when a window is drifted or degraded."
      height="40vh"
    />
  );
}
