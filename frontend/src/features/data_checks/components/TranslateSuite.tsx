/** A suite of Great Expectations as checks of ours: translated to look at, then added to the text. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { RefusalText, useSend } from "../../../components/Action";
import { ApiCall } from "../../../components/ApiCall";
import { Button } from "../../../components/Button";
import { CodeEditor } from "../../../components/CodeEditor";
import { Dialog, DialogButtons } from "../../../components/Dialog";
import { linesOf } from "../../../components/DocumentEditor";
import { plural } from "../../../lib/text";
import { toYaml } from "../../../lib/yaml";
import { calls } from "../api";
import { shortCheck } from "../text";
import styles from "./Checks.module.css";

type Translation = Awaited<ReturnType<ReturnType<typeof calls.translate>["send"]>>;

/** The suite in the text, or what is wrong with it as JSON. */
export function parsedSuite(text: string): { suite?: unknown; problem?: string } {
  try {
    return { suite: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: `This is not JSON: ${error instanceof Error ? error.message : "it cannot be read"}.` };
  }
}

/** All that is to be added: the translated checks, and one that runs what has no equivalent by the library. */
export function additions({ suite, rest }: Translation): object[] {
  const own = suite.checks.map(shortCheck);
  return rest ? [...own, { check: "great_expectations", suite: rest }] : own;
}

function Remarks({ translation }: { translation: Translation }) {
  const { translated, remarks, rest } = translation;
  return (
    <div className={styles.stack}>
      <p>
        <strong>{plural(translated, "expectation")} translated</strong>
        {rest ? `, ${plural(rest.expectations.length, "other")} to be run by Great Expectations itself` : ""}
      </p>
      <pre className={styles.code} tabIndex={0} aria-label="The translated checks">
        {toYaml({ checks: translation.suite.checks.map(shortCheck) })}
      </pre>
      <ul className={styles.proposals}>
        {remarks.map(({ place, expectation, translated: close, why, fix }) => (
          <li key={place}>
            <strong>{expectation}</strong> <code>{place}</code>
            <p>
              {close ? "Close, not the same: " : "No equivalent: "}
              {why}
            </p>
            <p className={styles.quiet}>{fix}</p>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function TranslateSuite({ onAdd }: { onAdd: (checks: readonly object[]) => void }) {
  const forbidden = useForbidden("write");
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [translation, setTranslation] = useState<Translation>();
  const send = useSend<Translation>(setTranslation);
  const { suite, problem } = parsedSuite(text);
  const call = calls.translate(suite);
  const refused = linesOf(send.error, text);
  return (
    <>
      <Button forbidden={forbidden} onClick={() => setOpen(true)}>
        From Great Expectations
      </Button>
      <Dialog title="Translate a suite of Great Expectations" size="large" open={open} onClose={() => setOpen(false)}>
        <p>
          Paste the JSON of a suite as Great Expectations 1.x saves it. Nothing is set: you see first what it becomes.
        </p>
        <CodeEditor
          label="Suite (JSON)"
          value={text}
          onChange={(next) => {
            setText(next);
            setTranslation(undefined);
            send.reset();
          }}
          errors={text && problem ? [{ line: undefined, message: problem }] : refused}
          rows={[6, 14]}
        />
        {refused.length === 0 ? <RefusalText error={send.error} what="Not translated" /> : null}
        {translation ? <Remarks translation={translation} /> : null}
        <DialogButtons>
          {problem ? null : <ApiCall call={call} />}
          <Button onClick={() => setOpen(false)}>Close</Button>
          <Button
            kind={translation ? "plain" : "primary"}
            busy={send.isPending}
            forbidden={problem ? "Paste a suite first" : undefined}
            onClick={() => send.mutate(call)}
          >
            Translate
          </Button>
          {translation ? (
            <Button
              kind="primary"
              onClick={() => {
                onAdd(additions(translation));
                setOpen(false);
                setTranslation(undefined);
              }}
            >
              Add to the text
            </Button>
          ) : null}
        </DialogButtons>
      </Dialog>
    </>
  );
}
