/** The alerts that a page has read with everything else that it shows. */
import { Panel } from "../../../components/Panel";
import type { AlertRead } from "../api";
import { AlertCard } from "./AlertCard";
import styles from "./Alerts.module.css";

export function Alerts({ alerts }: { alerts: readonly AlertRead[] }) {
  return (
    <Panel id="alerts" title="Open alerts" count={alerts.length} empty={alerts.length === 0 && "No open alerts."}>
      <ul className={styles.list}>
        {alerts.map((alert) => (
          <AlertCard key={alert.id} alert={alert} />
        ))}
      </ul>
    </Panel>
  );
}
