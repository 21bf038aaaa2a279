/** A button that changes something on the server: asks first where it matters, shows refusals with their fix. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { ApiCall, type Described } from "./ApiCall";
import { Button } from "./Button";
import { Dialog, DialogButtons } from "./Dialog";
import styles from "./Action.module.css";

interface Sendable<Answer> extends Described {
  send: () => Promise<Answer>;
}

type Refusal = Error & { fix?: string | undefined; status?: number };

/** Sends a call; whatever is on the page may have changed by it and is read again. */
export function useSend<Answer>(onDone?: (answer: Answer) => void) {
  const client = useQueryClient();
  return useMutation<Answer, Refusal, Sendable<Answer>>({
    mutationFn: (call) => call.send(),
    onSuccess: (answer) => onDone?.(answer),
    // Also after a refusal: somebody else may have been first.
    onSettled: () => client.invalidateQueries({}, { cancelRefetch: false }),
  });
}

/** Why something was refused, and what to do about it. */
export function RefusalText({ error, what }: { error: Refusal | null; what: string }) {
  if (!error) return null;
  return (
    <p className={styles.refusal} role="alert">
      {what}: {error.message} {error.fix}
    </p>
  );
}

interface ActionProps<Answer> {
  children: string;
  call: Sendable<Answer>;
  kind?: "primary" | "plain" | "danger";
  /** Why it may not be done now; keeps the button, disabled, with the reason. */
  forbidden?: string | undefined;
  /** A question to answer first. `say` tells what will happen. */
  confirm?: { title: string; say: ReactNode; button?: string };
  /** Said when it is done, where the page does not show it by itself. */
  done?: string;
  onDone?: (answer: Answer) => void;
}

export function Action<Answer>(props: ActionProps<Answer>) {
  const { children, call, kind = "plain", forbidden, confirm, done, onDone } = props;
  const [asking, setAsking] = useState(false);
  const send = useSend<Answer>((answer) => {
    setAsking(false);
    onDone?.(answer);
  });
  const close = () => {
    setAsking(false);
    send.reset();
  };
  return (
    <span className={styles.action}>
      <Button
        kind={kind}
        busy={send.isPending}
        forbidden={forbidden}
        beside={<ApiCall call={call} />}
        onClick={() => (confirm ? setAsking(true) : send.mutate(call))}
      >
        {children}
      </Button>
      {asking ? null : <RefusalText error={send.error} what="Not done" />}
      {send.isSuccess && done ? (
        <span className={styles.done} role="status">
          {done}
        </span>
      ) : null}
      {confirm ? (
        <Dialog title={confirm.title} open={asking} onClose={close}>
          <div>{confirm.say}</div>
          <RefusalText error={send.error} what="Not done" />
          <DialogButtons>
            <Button onClick={close}>Leave it</Button>
            <Button kind={kind === "plain" ? "primary" : kind} busy={send.isPending} onClick={() => send.mutate(call)}>
              {confirm.button ?? children}
            </Button>
          </DialogButtons>
        </Dialog>
      ) : null}
    </span>
  );
}

interface FormActionProps<Answer> {
  /** Of the button that opens the form. */
  children: string;
  title: string;
  submit: string;
  /** The call for what the fields hold now; undefined while they are incomplete. */
  call: Sendable<Answer> | undefined;
  /** As a function they show at their places what is wrong with the input (422). */
  fields: ReactNode | ((refusal: Refusal | null) => ReactNode);
  kind?: "primary" | "plain";
  size?: "small" | "large";
  forbidden?: string | undefined;
  onDone?: (answer: Answer) => void;
}

/** A button that opens a form. What was typed stays, whatever the server says, until it is done or closed. */
export function FormAction<Answer>(props: FormActionProps<Answer>) {
  const { children, title, submit, call, fields, kind = "plain", size = "large", forbidden, onDone } = props;
  const [open, setOpen] = useState(false);
  const send = useSend<Answer>((answer) => {
    setOpen(false);
    onDone?.(answer);
  });
  const close = () => {
    setOpen(false);
    send.reset();
  };
  return (
    <>
      <Button kind={kind} forbidden={forbidden} onClick={() => setOpen(true)}>
        {children}
      </Button>
      <Dialog title={title} open={open} onClose={close} size={size}>
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            if (call) send.mutate(call);
          }}
        >
          {typeof fields === "function" ? fields(send.error) : fields}
          {typeof fields === "function" && send.error?.status === 422 ? null : (
            <RefusalText error={send.error} what="Not done" />
          )}
          <DialogButtons>
            {call ? <ApiCall call={call} /> : null}
            <Button onClick={close}>Cancel</Button>
            <Button
              kind="primary"
              type="submit"
              busy={send.isPending}
              forbidden={call ? undefined : "Fill in what is needed"}
            >
              {submit}
            </Button>
          </DialogButtons>
        </form>
      </Dialog>
    </>
  );
}
