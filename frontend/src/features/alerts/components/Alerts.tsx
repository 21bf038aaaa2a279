/** Open alerts: what is wrong, why, what to do, and the button that says somebody is on it. */
import type { Alert } from "../../../client/types";
import { Button } from "../../../components/Button";
import { CopyId } from "../../../components/Copy";
import { Glyph } from "../../../components/Glyph";
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { sentence } from "../../../lib/text";
import { useAcknowledge } from "../api";
import { severityTone } from "../severity";
import styles from "./Alerts.module.css";

function AlertRow({ alert, mayWrite }: { alert: Alert; mayWrite: boolean }) {
  const acknowledge = useAcknowledge();
  const tone = severityTone(alert.severity);
  return (
    <li className={styles.alert} data-tone={tone}>
      <Glyph tone={tone} />
      <div className={styles.body}>
        <p className={styles.head}>
          <strong>{sentence(alert.kind)}</strong>
          <span className={styles.subject}>{alert.endpoint ?? alert.model}</span>
          <span className={styles.severity}>{alert.severity}</span>
          {alert.occurrences > 1 ? <span>{alert.occurrences} times</span> : null}
          <RelativeTime at={alert.opened_at} />
          <CopyId id={alert.id} noun="alert" />
        </p>
        <p>{alert.reason}</p>
        {alert.next_step ? <p className={styles.next}>{alert.next_step}</p> : null}
        {acknowledge.error ? (
          <p className={styles.error} role="alert">
            Not acknowledged: {acknowledge.error.message}
          </p>
        ) : null}
      </div>
      {alert.state === "open" ? (
        <Button
          busy={acknowledge.isPending}
          forbidden={mayWrite ? undefined : "Needs a token with the scope write"}
          onClick={() => acknowledge.mutate(alert.id)}
        >
          Acknowledge
        </Button>
      ) : (
        <Tag tone="idle">{alert.state}</Tag>
      )}
    </li>
  );
}

export function Alerts({ alerts, mayWrite }: { alerts: readonly Alert[]; mayWrite: boolean }) {
  return (
    <Panel id="alerts" title="Open alerts" count={alerts.length} empty={alerts.length === 0 && "No open alerts."}>
      <ul className={styles.list}>
        {alerts.map((alert) => (
          <AlertRow key={alert.id} alert={alert} mayWrite={mayWrite} />
        ))}
      </ul>
    </Panel>
  );
}
