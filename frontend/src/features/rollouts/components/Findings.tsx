/** What the tests say of the candidate by now: how strong the evidence against it is, and both sides' figures. */
import { useMemo } from "react";
import { Intervals } from "../../../components/charts/Intervals";
import { Facts } from "../../../components/Facts";
import { Panel } from "../../../components/Panel";
import { Meter } from "../../../components/Spark";
import { State } from "../../../components/State";
import { number, percent } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import { duration } from "../../../lib/time";
import { sentence } from "../../../lib/text";
import type { Finding, RolloutRead } from "../api";
import { against } from "../stages";
import styles from "./Stepper.module.css";

const FORMAT = (share: number) => percent(share);

function Evidence({ finding }: { finding: Finding }) {
  const { e_value: e, fails_at: limit } = finding;
  return (
    <p className={styles.evidence}>
      <Meter
        share={against(finding)}
        label={`Evidence against it: ${number(e)}, fails at ${number(limit)}`}
        tone={finding.verdict === "fail" ? "failed" : "attention"}
      />
      e-value {number(e)}, fails at {number(limit)}
      {finding.non_inferior === null || finding.non_inferior === undefined
        ? null
        : ` · shown not to be worse: ${number(finding.non_inferior)}`}
    </p>
  );
}

function Of({ finding }: { finding: Finding }) {
  const side = (share: number | null | undefined, count: number, of: number) =>
    of > 0 ? `${percent(share ?? count / of)} (${number(count)} of ${number(of)})` : undefined;
  return (
    <Facts
      of={{
        Control: side(finding.control, finding.control_count, finding.control_of),
        Candidate: side(finding.candidate, finding.candidate_count, finding.candidate_of),
        Allowed: finding.bound === null || finding.bound === undefined ? undefined : number(finding.bound),
      }}
    />
  );
}

export function Findings({ rollout }: { rollout: RolloutRead }) {
  const { analysis, quality } = rollout;
  const findings = useMemo(
    () => [...(analysis?.findings ?? []), ...(analysis?.late ? [analysis.late] : [])],
    [analysis],
  );
  const rates = useMemo(
    () =>
      findings.flatMap(({ name, control, candidate, verdict }) => [
        ...(control === null || control === undefined
          ? []
          : [{ name: `${name}: control`, estimate: control, low: null, high: null, tone: "idle" as const }]),
        ...(candidate === null || candidate === undefined
          ? []
          : [{ name: `${name}: candidate`, estimate: candidate, low: null, high: null, tone: toneOf(verdict) }]),
      ]),
    [findings],
  );
  if (!analysis) {
    return (
      <Panel
        title="Analysis"
        empty={
          rollout.steps.length === 0
            ? "A blue-green rollout is not tried on live requests: it was verified on real rows before the switch."
            : "No requests have been judged yet."
        }
      />
    );
  }
  const { control = 0, candidate = 0, mirrored = 0 } = analysis.requests;
  return (
    <>
      <Panel title="Analysis">
        <p className={styles.head}>
          <State of={analysis.verdict} /> after {duration(analysis.seconds)} and {number(control)} requests of the
          control, {number(candidate)} of the candidate, {number(mirrored)} copies
        </p>
        {analysis.waits_for.map((text) => (
          <p key={text}>{text}</p>
        ))}
        <ul className={styles.findings}>
          {findings.map((finding, index) => (
            <li key={`${finding.name} ${index}`} className={styles.finding}>
              <p className={styles.head}>
                <strong>{finding === analysis.late ? "Labels after the switch" : sentence(finding.name)}</strong>
                <State of={finding.verdict} />
              </p>
              <p>{finding.sentence}</p>
              <Evidence finding={finding} />
              <Of finding={finding} />
            </li>
          ))}
        </ul>
      </Panel>
      {rates.length > 0 ? (
        <Panel title="Both versions side by side">
          <Intervals label="Shares of both versions by test" intervals={rates} format={FORMAT} />
        </Panel>
      ) : null}
      {quality && quality.parts.length > 0 ? (
        <Panel title="Answers whose truth is known">
          {quality.parts.map((part, index) => (
            <Facts
              key={index}
              of={{
                Part: part.share === null ? "after the switch" : `step at ${percent(part.share, 0)}`,
                "Control wrong": `${number(part.control_wrong)} of ${number(part.control_rows)}`,
                "Candidate wrong": `${number(part.candidate_wrong)} of ${number(part.candidate_rows)}`,
              }}
            />
          ))}
        </Panel>
      ) : null}
    </>
  );
}
