/** Alerts that nobody has resolved yet: what is wrong, why, what next, and the buttons for it. Fits a phone. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Glyph } from "../../../components/Glyph";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { plural, sentence } from "../../../lib/text";
import { alertsQuery, type AlertRead } from "../api";
import { severityTone } from "../severity";
import { AlertActions } from "./AlertActions";
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

function AlertCard({ alert }: { alert: AlertRead }) {
  const tone = severityTone(alert.severity);
  return (
    <li className={styles.alert} data-tone={tone}>
      <Glyph tone={tone} />
      <div className={styles.body}>
        <p className={styles.head}>
          <Link to="/alerts/$id" params={{ id: alert.id }}>
            <strong>{sentence(alert.kind)}</strong>
          </Link>
          <span className={styles.subject}>{alert.endpoint ?? alert.model}</span>
          <span className={styles.severity}>{alert.severity}</span>
          <State of={alert.state} />
          {alert.occurrences > 1 ? <span>{plural(alert.occurrences, "time")}</span> : null}
          <RelativeTime at={alert.opened_at} />
        </p>
        <p>{alert.reason}</p>
        {alert.next_step ? <p className={styles.next}>{alert.next_step}</p> : null}
        {alert.acknowledged_by ? (
          <p>
            {alert.acknowledged_by} is on it{alert.note ? `: ${alert.note}` : "."}
          </p>
        ) : null}
      </div>
      <AlertActions alert={alert} />
    </li>
  );
}
