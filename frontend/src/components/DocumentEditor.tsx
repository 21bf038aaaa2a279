/**
 * Editing a document that others may edit too: what was typed stays until it is saved, errors stand at their lines, and
 * when somebody else was first (412) both texts are shown and one of them chosen.
 */
import { useState, type ReactNode } from "react";
import { lineOf } from "../lib/yaml";
import { useSend } from "./Action";
import { ApiCall, type Described } from "./ApiCall";
import { Button } from "./Button";
import { CodeEditor, type LineError } from "./CodeEditor";
import { Notice } from "./Notice";
import { SideBySide } from "./SideBySide";
import styles from "./DocumentEditor.module.css";

interface Stored {
  text: string;
  /** Its ETag without the quotes; grows with every change. */
  version: number;
}

interface Save extends Described {
  send: () => Promise<unknown>;
}

type Refusal = Error & {
  status?: number;
  code?: string;
  fix?: string | undefined;
  where?: string | undefined;
  errors?: readonly { where: string; message: string }[];
};

interface DocumentEditorProps {
  /** As in "The check suite". */
  what: string;
  stored: Stored;
  /** The call that saves the text, if the document is still at this version. */
  save: (text: string, version: number) => Save;
  forbidden?: string | undefined;
  /** The text is a proposal that the server does not have yet: it can be saved as it is. */
  unsaved?: boolean;
  /** More buttons beside the saving one; they may change the text. */
  tools?: (text: string, setText: (text: string) => void) => ReactNode;
  /** Below the editor. */
  help?: ReactNode;
}

/** What was typed, and the version it was typed over. Undefined while nothing was. */
type Draft = { text: string; base: number } | undefined;

export function linesOf(error: Refusal | null, text: string): LineError[] {
  if (error?.status !== 422) return [];
  const whole = { where: error.where ?? "", message: `${error.message} ${error.fix ?? ""}`.trim() };
  const all = error.errors?.length ? error.errors : [whole];
  return all.map(({ where, message }) => ({
    line: lineOf(text, where),
    message,
    where: where.replace(/^body\.?/, ""),
  }));
}

export function DocumentEditor(props: DocumentEditorProps) {
  const { what, stored, save, forbidden, unsaved = false, tools, help } = props;
  const [draft, setDraft] = useState<Draft>();
  const send = useSend(() => setDraft(undefined));
  const text = draft?.text ?? stored.text;
  const base = draft?.base ?? stored.version;
  const edit = (next: string) => {
    setDraft(next === stored.text && base === stored.version ? undefined : { text: next, base });
    send.reset();
  };
  const dirty = draft !== undefined;
  const overtaken = dirty && base !== stored.version;
  const refusal: Refusal | null = send.error;
  const errors = linesOf(refusal, text);
  const call = save(text, base);
  return (
    <div className={styles.editor}>
      {overtaken ? (
        <Overtaken
          what={what}
          mine={text}
          theirs={stored}
          onMine={() => {
            send.reset();
            setDraft({ text, base: stored.version });
          }}
          onTheirs={() => {
            send.reset();
            setDraft(undefined);
          }}
        />
      ) : null}
      <CodeEditor label={`${what} (YAML)`} value={text} onChange={edit} errors={errors} readOnly={!!forbidden} />
      {refusal && errors.length === 0 && !overtaken ? (
        <Notice tone="failed" title="Not saved; nothing that you typed is lost">
          <p>
            {refusal.message} {refusal.fix}
          </p>
        </Notice>
      ) : null}
      <div className={styles.buttons}>
        <Button
          kind="primary"
          busy={send.isPending}
          forbidden={
            forbidden ??
            (overtaken
              ? "Choose a text above first"
              : dirty || unsaved
                ? undefined
                : "Nothing to save: it is as the server has it")
          }
          onClick={() => send.mutate(call)}
        >
          Save
        </Button>
        <ApiCall call={call} />
        {dirty && !overtaken ? (
          <Button
            onClick={() => {
              send.reset();
              setDraft(undefined);
            }}
          >
            Undo my changes
          </Button>
        ) : null}
        {tools?.(text, edit)}
        {send.isSuccess && !dirty ? (
          <span role="status" className={styles.saved}>
            Saved
          </span>
        ) : null}
        <span className={styles.version}>version {stored.version}</span>
      </div>
      {help ? <div className={styles.help}>{help}</div> : null}
    </div>
  );
}

interface OvertakenProps {
  what: string;
  mine: string;
  theirs: Stored;
  onMine: () => void;
  onTheirs: () => void;
}

function Overtaken({ what, mine, theirs, onMine, onTheirs }: OvertakenProps) {
  return (
    <div className={styles.overtaken}>
      <Notice tone="attention" title={`${what} was changed by somebody else while you were editing it`}>
        <p>
          Yours is kept, theirs (version {theirs.version}) is what counts now. Go on with one of them: yours can still
          be edited before it is saved over theirs.
        </p>
      </Notice>
      <SideBySide left={{ title: "Yours", text: mine }} right={{ title: "Theirs", text: theirs.text }} />
      <div className={styles.buttons}>
        <Button kind="primary" onClick={onMine}>
          Go on with mine
        </Button>
        <Button onClick={onTheirs}>Take theirs</Button>
      </div>
    </div>
  );
}
