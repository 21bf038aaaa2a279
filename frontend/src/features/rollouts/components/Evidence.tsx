/** The evidence over the requests: what each test has ruled out so far, and what it allows. */
import { useMemo } from "react";
import { Lines } from "../../../components/charts/Lines";
import { Panel } from "../../../components/Panel";
import { percent } from "../../../lib/numbers";
import { sentence, words } from "../../../lib/text";
import type { Evidence as EvidenceRead, RolloutRead, Sequence } from "../api";
import { drawn } from "../bands";
import styles from "./Stepper.module.css";

export function Evidence({ evidence, rollout }: { evidence: EvidenceRead; rollout: RolloutRead }) {
  const { sequences, decisions } = evidence;
  const silent = TESTS.filter((name) => !sequences.some(({ test }) => test === name));
  const steps = useMemo(
    () =>
      rollout.steps.map(({ share }, index) =>
        rollout.steps.length > 1 ? `step ${index + 1}: ${percent(share, 0)}` : `${percent(share, 0)} of requests`,
      ),
    [rollout.steps],
  );
  return (
    <Panel title="Evidence over the requests" empty={sequences.length === 0 && nothing(rollout)}>
      <p className={styles.reading}>
        Each band holds what may still be true of the candidate against the version before. It may be watched all the
        time: a band ever leaves the truth behind with the small chance that the test allows itself.
      </p>
      <ul className={styles.bands}>
        {sequences.map((sequence) => (
          <Bands key={sequence.name} sequence={sequence} decisions={decisions} steps={steps} />
        ))}
      </ul>
      {silent.length > 0 ? (
        <p className={styles.reading}>
          No band yet: {silent.map(words).join(", ")}. They compare bad requests, timed copies and answers whose truth
          is known, of which there was none.
        </p>
      ) : null}
    </Panel>
  );
}

const TESTS: Sequence["test"][] = ["faults", "strange", "latency", "disagreement", "shift", "quality"];

function nothing({ steps, state }: RolloutRead): string {
  if (steps.length === 0) return "A blue-green rollout is judged by labels that come in after the switch: none so far.";
  return state === "preparing" || state === "verifying"
    ? "No requests yet: the first step begins once the version is verified."
    : "No requests yet: bands appear with the first ones, and narrow with each more.";
}

interface BandsProps {
  sequence: Sequence;
  decisions: EvidenceRead["decisions"];
  steps: readonly string[];
}

function Bands({ sequence, decisions, steps }: BandsProps) {
  const chart = useMemo(() => drawn(sequence, decisions, steps), [sequence, decisions, steps]);
  const name = sentence(sequence.name);
  return (
    <li>
      <h3 className={styles.head}>{name}</h3>
      <p className={styles.reading} data-tone={sequence.failed ? "failed" : undefined}>
        {sequence.sentence}
      </p>
      {chart ? <Lines label={`${name} over the requests`} x="value" xName="requests" {...chart} /> : null}
    </li>
  );
}
