/** What a person can do about a promotion: agree, refuse, or in an emergency let it through. */
import { useState } from "react";
import { useForbidden, usePerson } from "../../../client/access";
import { Action, FormAction } from "../../../components/Action";
import { TextArea } from "../../../components/Fields";
import { calls, type Promotion } from "../api";

export function Decide({ promotion }: { promotion: Promotion }) {
  const { id, state, requested_by, model, version } = promotion;
  const mayApprove = useForbidden("approve");
  const { name } = usePerson();
  const own = requested_by === name ? "You asked for it: somebody else must agree" : undefined;
  if (state === "awaiting_approval") {
    return (
      <>
        <Action
          call={calls.approve(id)}
          kind="primary"
          forbidden={mayApprove ?? own}
          confirm={{
            title: `Approve version ${version} of ${model}?`,
            say: `It passed its gates. It becomes champion, and the endpoints of ${model} roll out to it.`,
          }}
        >
          Approve
        </Action>
        <Reject id={id} forbidden={mayApprove} />
      </>
    );
  }
  return state === "failed" || state === "inconclusive" ? <Override promotion={promotion} /> : null;
}

function Reject({ id, forbidden }: { id: string; forbidden: string | undefined }) {
  const [reason, setReason] = useState("");
  return (
    <FormAction
      title="Reject this promotion"
      submit="Reject"
      size="small"
      call={reason.trim() ? calls.reject(id, reason.trim()) : undefined}
      forbidden={forbidden}
      fields={
        <TextArea
          label="Why"
          value={reason}
          onChange={setReason}
          help="Kept with the decision. The same version is not asked for again under the same policy."
        />
      }
    >
      Reject
    </FormAction>
  );
}

function Override({ promotion: { id, model, version } }: { promotion: Promotion }) {
  const forbidden = useForbidden("admin");
  const [reason, setReason] = useState("");
  return (
    <FormAction
      title={`Let version ${version} of ${model} through against its gates`}
      submit="Override the gates"
      call={reason.trim() ? calls.override(id, reason.trim()) : undefined}
      forbidden={forbidden}
      fields={
        <>
          <p>
            For emergencies. The version becomes champion although the evidence does not support it. The promotion and
            the version carry this in red for ever, with your name and the reason.
          </p>
          <TextArea
            label="Why"
            value={reason}
            onChange={setReason}
            help="Say what makes it urgent; who reads this later was not there."
          />
        </>
      }
    >
      Override…
    </FormAction>
  );
}
