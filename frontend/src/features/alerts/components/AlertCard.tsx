/** One alert that stands: what is wrong, why, what next, who is on it, and the buttons for it. Fits a phone. */
import { Link } from "@tanstack/react-router";
import { CopyId } from "../../../components/Copy";
import { Glyph } from "../../../components/Glyph";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { plural, sentence } from "../../../lib/text";
import type { AlertRead } from "../api";
import { severityTone } from "../severity";
import { AlertActions } from "./AlertActions";
import styles from "./Alerts.module.css";

export function AlertCard({ alert }: { alert: AlertRead }) {
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
          <CopyId id={alert.id} noun="alert" />
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
