/** One webhook: why it is off, what can be done with it, and what was sent. */
import { Action } from "../../../components/Action";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { plural } from "../../../lib/text";
import { changeWebhook, deleteWebhook, renewSecret, sendTest, type WebhookRead } from "../api";
import { Deliveries } from "./Deliveries";
import { ChangeWebhook } from "./WebhookForm";
import styles from "./Webhooks.module.css";

interface WebhookDetailProps {
  of: WebhookRead;
  onSecret: (made: { name: string; secret: string }) => void;
  onDeleted: () => void;
}

export function WebhookDetail({ of, onSecret, onDeleted }: WebhookDetailProps) {
  const { name, active, failures, off_because: reason } = of;
  const turnOn = changeWebhook(of, { active: true });
  return (
    <Panel title={name}>
      {reason ? (
        <Notice tone="failed" title="It was turned off" action={<Action call={turnOn}>Turn on</Action>}>
          <p>{reason} Mend the receiver, send a test, and turn it on. Events of the time between are not told later.</p>
        </Notice>
      ) : null}
      {active && failures > 0 ? (
        <Notice tone="attention" title={`${plural(failures, "delivery", "deliveries")} in a row failed`}>
          <p>After five it is turned off. Below stands what the receiver answered.</p>
        </Notice>
      ) : null}
      <div className={styles.actions}>
        <Action call={sendTest(name)} kind="primary">
          Send a test
        </Action>
        <ChangeWebhook of={of} />
        {active ? (
          <Action
            call={changeWebhook(of, { active: false })}
            confirm={{ title: `Turn ${name} off?`, say: "What happens while it is off is not told later." }}
          >
            Turn off
          </Action>
        ) : reason ? null : (
          <Action call={turnOn}>Turn on</Action>
        )}
        <Action
          call={renewSecret(name)}
          confirm={{
            title: `Make another secret for ${name}?`,
            say: "It signs every attempt from now on: what still checks by the old one refuses them.",
          }}
          onDone={onSecret}
        >
          New secret
        </Action>
        <Action
          call={deleteWebhook(name)}
          kind="danger"
          confirm={{
            title: `Delete ${name}?`,
            say: "It is told nothing any more, and the record of what it was told goes with it.",
          }}
          onDone={onDeleted}
        >
          Delete
        </Action>
      </div>
      <Deliveries name={name} />
    </Panel>
  );
}
