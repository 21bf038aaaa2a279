/** What each gate found: those that refuse first, the number against its threshold, and what to do next. */
import type { ReactNode } from "react";
import { Bound } from "../../../components/Bound";
import { Glyph } from "../../../components/Glyph";
import { Notice } from "../../../components/Notice";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Tag } from "../../../components/Tag";
import { asked, boundsOf, end, plainly } from "../../../lib/bounds";
import { number } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import { plural } from "../../../lib/text";
import type { Promotion } from "../api";
import { gatesOf, refuses, type Gate } from "../gates";
import { ChampionComparison } from "./ChampionComparison";
import styles from "./GateReport.module.css";

interface GateReportProps {
  promotion: Promotion;
  /** Failing examples and slices of a check, by whoever knows how to show them. */
  examples?: (gate: Gate) => ReactNode;
}

export function GateReport({ promotion, examples }: GateReportProps) {
  const { decision } = promotion;
  if (!decision) {
    return (
      <Notice tone="running" title="The evidence is being gathered">
        <p>Checks run and the champion is compared on the same rows. The verdict appears here by itself.</p>
      </Notice>
    );
  }
  const gates = gatesOf(promotion);
  const against = gates.filter(refuses);
  const others = gates.filter((gate) => !refuses(gate));
  return (
    <Stack>
      <Summary verdict={decision.verdict} reason={decision.reason} gates={gates} against={against} />
      {against.map((gate) => (
        <GateCard key={gate.place} gate={gate} promotion={promotion}>
          {examples?.(gate)}
        </GateCard>
      ))}
      {others.length > 0 ? (
        <Panel title={against.length > 0 ? "The other gates" : "Gates"} count={others.length}>
          <ul className={styles.list}>
            {others.map((gate) => (
              <GateLine key={gate.place} gate={gate} />
            ))}
          </ul>
        </Panel>
      ) : null}
      {others.map(({ place, comparison }) =>
        comparison ? (
          <Panel key={place} title="Against the champion">
            <ChampionComparison comparison={comparison} promotion={promotion} />
          </Panel>
        ) : null,
      )}
    </Stack>
  );
}

const TITLES: Record<string, string> = { fail: "Refused", inconclusive: "Not decided: the evidence is not enough" };

interface SummaryProps {
  verdict: string;
  reason: string;
  gates: readonly Gate[];
  against: readonly Gate[];
}

function Summary({ verdict, reason, gates, against }: SummaryProps) {
  if (verdict === "pass") {
    const warned = gates.filter((gate) => gate.verdict === "warn");
    return (
      <Notice tone="ok" title={`All ${plural(gates.length, "gate")} let it pass`}>
        {warned.length > 0 ? <p>Warnings: {warned.map(({ name }) => name).join(", ")}.</p> : null}
      </Notice>
    );
  }
  return (
    <Notice
      tone={toneOf(verdict)}
      title={
        gates.length === 0
          ? "Refused: there is no gate to pass"
          : `${TITLES[verdict] ?? verdict} by ${against.length} of ${plural(gates.length, "gate")}`
      }
    >
      {against.length === 0 ? (
        <p>{reason}</p>
      ) : (
        <ul className={styles.against}>
          {against.map(({ place, name, verdict: of, next }) => (
            <li key={place}>
              <Tag tone={toneOf(of)}>{of}</Tag> <strong>{name}</strong>
              {next[0] ? <span> {next[0]}</span> : null}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}

function GateCard({ gate, promotion, children }: { gate: Gate; promotion: Promotion; children?: ReactNode }) {
  const tone = toneOf(gate.verdict);
  return (
    <section className={styles.card} data-tone={tone} aria-label={gate.name}>
      <div className={styles.head}>
        <Glyph tone={tone} />
        <h2>{gate.name}</h2>
        <Tag tone={tone}>{gate.verdict}</Tag>
        <Figure gate={gate} />
      </div>
      <p>{plainly(gate.message)}</p>
      {gate.next.length > 0 ? (
        <ul className={styles.next} aria-label="What to do next">
          {gate.next.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ul>
      ) : null}
      {gate.comparison ? <ChampionComparison comparison={gate.comparison} promotion={promotion} /> : children}
    </section>
  );
}

function GateLine({ gate }: { gate: Gate }) {
  const tone = toneOf(gate.verdict);
  return (
    <li className={styles.line}>
      <Glyph tone={tone} />
      <div className={styles.words}>
        <p className={styles.name}>
          <strong>{gate.name}</strong>
          <Tag tone={tone}>{gate.verdict}</Tag>
        </p>
        <p className={styles.message}>{plainly(gate.message)}</p>
      </div>
      <Figure gate={gate} />
    </li>
  );
}

/** The figure beside its bound, drawn where both are numbers. */
function Figure({ gate: { check, verdict, name } }: { gate: Gate }) {
  if (typeof check?.value !== "number") return null;
  const { value, low, high, gate: kind, threshold } = check;
  const bounds = boundsOf(kind, threshold);
  return (
    <span className={styles.figure}>
      <strong>{number(value)}</strong>
      <span className={styles.asked}>{asked(kind, threshold, number)}</span>
      {bounds ? (
        <Bound value={value} low={end(low)} high={end(high)} bounds={bounds} tone={toneOf(verdict)} label={name} />
      ) : null}
    </span>
  );
}
