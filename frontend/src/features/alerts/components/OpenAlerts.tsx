/** Alerts that nobody has resolved yet: what is wrong, why, what next, and the buttons for it. Fits a phone. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { alertsQuery } from "../api";
import { AlertCard } from "./AlertCard";
import styles from "./Alerts.module.css";

export function OpenAlerts({ endpoint }: { endpoint?: string }) {
  const about = endpoint ? { endpoint } : {};
  const open = useInfiniteQuery(alertsQuery({ ...about, state: "open" }));
  const seen = useInfiniteQuery(alertsQuery({ ...about, state: "acknowledged" }));
  return (
    <Read query={open} what="the open alerts">
      {(rows) => {
        const all = [...rows, ...(seen.data ?? [])];
        return (
          <Panel
            title="Alerts that stand"
            count={all.length}
            empty={all.length === 0 && "None. An alert opens when a window drifts, loses quality or is broken."}
          >
            <ul className={styles.list}>
              {all.map((alert) => (
                <AlertCard key={alert.id} alert={alert} />
              ))}
            </ul>
          </Panel>
        );
      }}
    </Read>
  );
}
