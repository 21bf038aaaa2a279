/** A sweep as text: what is trained, what is tried, and towards what. */
import { useState } from "react";
import { FormAction } from "../../../components/Action";
import { CodeEditor } from "../../../components/CodeEditor";
import { linesOf } from "../../../components/DocumentEditor";
import { startSweep } from "../api";

const EXAMPLE = `base: {dataset: bikes, trainer: gradient_boosting, task: regression, target: cnt}
space:
  max_depth: [2, 4, 8]
  learning_rate: {min: 0.01, max: 0.3, scale: log}
method: random
trials: 8
parallel: 2
objective: {metric: mae, goal: min}
`;

interface StartSweepProps {
  experiment: string;
  forbidden: string | undefined;
  onStarted: (id: string) => void;
}

export function StartSweep({ experiment, forbidden, onStarted }: StartSweepProps) {
  const [text, setText] = useState(EXAMPLE);
  return (
    <FormAction
      title={`Sweep in ${experiment}`}
      submit="Start"
      forbidden={forbidden}
      call={startSweep(experiment, text)}
      onDone={({ id }) => onStarted(id)}
      fields={(refusal) => (
        <>
          <p>
            One training with many parameters: each trial is a run. The objective is measured on validation rows; with a{" "}
            <code>model</code> in the base, the best run becomes a version of it.
          </p>
          <CodeEditor label="The sweep (YAML)" value={text} onChange={setText} errors={linesOf(refusal, text)} />
        </>
      )}
    >
      Sweep
    </FormAction>
  );
}
