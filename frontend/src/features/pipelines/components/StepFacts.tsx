/** What a step came to, with links to what it made. */
import { Facts } from "../../../components/Facts";
import { Json } from "../../../components/Json";
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { Subject } from "../../../components/Subject";
import { sentence } from "../../../lib/text";
import type { Step } from "../api";

export function StepFacts({ step }: { step: Step }) {
  const { dataset, number, run_id: run, promotion_id: promotion, job_id: job } = step.output;
  const said = (value: unknown) => (typeof value === "string" ? value : undefined);
  return (
    <Panel title={sentence(step.name)}>
      <Facts
        of={{
          State: <State of={step.state} />,
          "Came to": step.reason,
          "Waits for": step.waits_for,
          Data:
            said(dataset) && typeof number === "number" ? (
              <Subject of={`datasets/${said(dataset) ?? ""}/versions/${number}`} />
            ) : null,
          Run: said(run) ? <Subject of={`runs/${said(run) ?? ""}`} /> : null,
          Decision: said(promotion) ? <Subject of={`promotions/${said(promotion) ?? ""}`} /> : null,
          Job: said(job) ? <Subject of={`jobs/${said(job) ?? ""}`} /> : null,
          Started: step.started_at && <RelativeTime at={step.started_at} />,
          Ended: step.ended_at && <RelativeTime at={step.ended_at} />,
        }}
      />
      {Object.keys(step.output).length > 0 ? <Json of={step.output} label="What it made" /> : null}
    </Panel>
  );
}
