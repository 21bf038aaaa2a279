/** What an empty system shows: three commands from nothing to a checked dataset version. */
import type { ReactNode } from "react";
import { Command } from "../../../components/Copy";
import { Panel } from "../../../components/Panel";
import styles from "./FirstSteps.module.css";

function steps(origin: string) {
  return [
    {
      title: "Let the shell know who you are",
      text: "The token that you signed in with; HOME_DIR is the directory that you gave to millrace up.",
      command: 'export MILLRACE_TOKEN="$(cat HOME_DIR/token)"',
    },
    {
      title: "Name a dataset",
      text: "A dataset keeps every version of the same table or folder.",
      command: `curl -H "Authorization: Bearer $MILLRACE_TOKEN" --json '{"name": "bikes"}' ${origin}/api/v1/datasets`,
    },
    {
      title: "Upload the first version",
      text: "csv, parquet, jsonl or plain files. It is profiled and checked at once, and this page comes alive.",
      command: `curl -H "Authorization: Bearer $MILLRACE_TOKEN" -F files=@hourly.csv ${origin}/api/v1/datasets/bikes/versions`,
    },
  ];
}

/** `upload` does the same from the browser. */
export function FirstSteps({ upload }: { upload: ReactNode }) {
  return (
    <Panel title="Nothing here yet: three steps to your first data">
      <div className={styles.here}>
        <p>
          Choose a file and name the dataset: csv, parquet, jsonl or plain files. Or do the same from a shell, in three
          steps.
        </p>
        {upload}
      </div>
      <ol className={styles.steps}>
        {steps(window.location.origin).map((step) => (
          <li key={step.title} className={styles.step}>
            <h3>{step.title}</h3>
            <p>{step.text}</p>
            <Command text={step.command} />
          </li>
        ))}
      </ol>
      <p className={styles.demo}>
        Or watch the whole loop turn on real data first: <code>make demo</code> uploads, trains, serves, drifts,
        retrains and rolls back in about three minutes.
      </p>
    </Panel>
  );
}
