/** The last decisions that people and the platform made, each with its reason. */
import type { Decision } from "../../../client/types";
import { CopyId } from "../../../components/Copy";
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { Subject } from "../../../components/Subject";
import { Tag } from "../../../components/Tag";
import { words } from "../../../lib/text";
import { verdictInfo } from "../verdicts";
import styles from "./Decisions.module.css";

export function Decisions({ decisions }: { decisions: readonly Decision[] }) {
  return (
    <Panel
      title="Last decisions"
      empty={decisions.length === 0 && "None yet. Checks, gates, the governor and rollouts explain themselves here."}
    >
      <ol className={styles.list}>
        {decisions.map((decision) => {
          const { tone, next } = verdictInfo(decision.verdict);
          return (
            <li key={decision.id} className={styles.decision} data-tone={tone}>
              <div className={styles.verdict}>
                <Tag tone={tone}>{words(decision.verdict)}</Tag>
              </div>
              <div className={styles.body}>
                <p className={styles.head}>
                  <span className={styles.kind}>{words(decision.kind)}</span>
                  <strong>
                    <Subject of={decision.subject} />
                  </strong>
                  <RelativeTime at={decision.at} />
                  <CopyId id={decision.id.toString()} noun="event" />
                </p>
                <p>{decision.reason}</p>
                {next ? <p className={styles.next}>{next}</p> : null}
              </div>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}
