/** What the model looks at: each feature's share, largest first. */
import { Facts } from "../../../components/Facts";
import { Panel } from "../../../components/Panel";
import { Meter } from "../../../components/Spark";
import { percent } from "../../../lib/numbers";
import styles from "./Runs.module.css";

const MOST = 30;

export function Importances({ of }: { of: Readonly<Record<string, number>> }) {
  const all = Object.entries(of).sort(([, a], [, b]) => b - a);
  const most = all[0]?.[1] ?? 1;
  return (
    <Panel title="Importances" empty={all.length === 0 && "The trainer tells none, or has not finished."}>
      <Facts
        of={Object.fromEntries(
          all.slice(0, MOST).map(([name, share]) => [
            name,
            <span key={name} className={styles.bar}>
              <Meter share={share / (most || 1)} label={`${name}: ${percent(share)}`} />
              {percent(share)}
            </span>,
          ]),
        )}
      />
      {all.length > MOST ? <p>And {all.length - MOST} smaller ones.</p> : null}
    </Panel>
  );
}
