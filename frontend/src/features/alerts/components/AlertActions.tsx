/** What a person does about an alert: says that they are on it, or that it is over. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { TextArea } from "../../../components/Fields";
import { acknowledgeAlert, resolveAlert, type AlertRead } from "../api";
import styles from "./AlertActions.module.css";

export function AlertActions({ alert: { id, state } }: { alert: Pick<AlertRead, "id" | "state"> }) {
  const forbidden = useForbidden("write");
  const [note, setNote] = useState("");
  const [reason, setReason] = useState("");
  if (state === "resolved") return null;
  return (
    <div className={styles.actions}>
      {state === "open" ? (
        <FormAction
          title="Acknowledge the alert"
          submit="Acknowledge"
          kind="primary"
          size="small"
          forbidden={forbidden}
          call={acknowledgeAlert(id, note)}
          fields={
            <TextArea
              label="Note"
              value={note}
              onChange={setNote}
              rows={3}
              help="May be empty: what is known so far. Everybody who opens the alert sees it."
            />
          }
          onDone={() => setNote("")}
        >
          Acknowledge
        </FormAction>
      ) : null}
      <FormAction
        title="Resolve the alert"
        submit="Resolve"
        size="small"
        forbidden={forbidden}
        call={resolveAlert(id, reason)}
        fields={
          <TextArea
            label="Why it is over"
            value={reason}
            onChange={setReason}
            rows={3}
            help="The next finding of its kind opens a new alert. Alerts also resolve by themselves after quiet windows."
          />
        }
        onDone={() => setReason("")}
      >
        Resolve
      </FormAction>
    </div>
  );
}
