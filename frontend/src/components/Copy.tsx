/** Copying: a button, an id shortened to what tells it apart, and a command to paste into a shell. */
import { useEffect, useState } from "react";
import { copyText } from "../lib/clipboard";
import styles from "./Copy.module.css";

const SAID_MS = 1_600;

type Outcome = "copied" | "failed" | undefined;

function useCopy(text: string): [Outcome, () => void] {
  const [outcome, setOutcome] = useState<Outcome>();
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = setTimeout(() => setOutcome(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  return [outcome, () => void copyText(text).then((done) => setOutcome(done ? "copied" : "failed"))];
}

const SAID = { copied: "copied", failed: "select it by hand" } as const;

/** The last eight characters of an id (in a UUIDv7 the first ones are the time, alike in neighbours). */
export function CopyId({ id, noun }: { id: string; noun: string }) {
  const [outcome, copy] = useCopy(id);
  return (
    <button type="button" className={styles.id} onClick={copy} title={`Copy ${noun} id ${id}`}>
      <span className="offscreen">{`Copy ${noun} id `}</span>
      <span aria-live="polite">{outcome ? SAID[outcome] : id.slice(-8)}</span>
    </button>
  );
}

/** `label` says what the text is, when it is not a command. */
export function Command({ text, label = "Command" }: { text: string; label?: string }) {
  const [outcome, copy] = useCopy(text);
  return (
    <div className={styles.command}>
      <pre tabIndex={0} role="group" aria-label={label}>
        {text}
      </pre>
      <button type="button" onClick={copy} aria-live="polite">
        {outcome ? SAID[outcome] : "Copy"}
      </button>
    </div>
  );
}
