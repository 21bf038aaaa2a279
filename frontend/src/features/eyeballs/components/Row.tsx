/** A row as it was answered, with what people said of it; here a mistake becomes a test. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { CopyId } from "../../../components/Copy";
import { Select, TextArea } from "../../../components/Fields";
import { Glyph } from "../../../components/Glyph";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { number as figure } from "../../../lib/numbers";
import { calls, type Finding, type ShownRow } from "../api";
import { answerText, FINDINGS, labelText, soleText } from "../rows";
import styles from "./Eyeballs.module.css";
import { PinForm } from "./PinForm";

interface RowProps {
  name: string;
  number: number;
  row: ShownRow;
  against: number | null;
}

export function Row({ name, number, row, against }: RowProps) {
  const { row: id, instance, truth, answer, correct, confidence, error, other, other_confidence, note, pin_id } = row;
  const text = soleText(row);
  return (
    <li className={styles.row}>
      <Glyph tone={correct === null ? "idle" : correct ? "ok" : "failed"} />
      <div className={styles.body}>
        {text === undefined ? (
          <dl className={styles.columns}>
            {Object.entries(instance).map(([column, value]) => (
              <div key={column}>
                <dt>{column}</dt>
                <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
              </div>
            ))}
          </dl>
        ) : (
          <p className={styles.text}>{text}</p>
        )}
        <p className={styles.answers}>
          <span>
            truth <strong>{labelText(truth)}</strong>
          </span>
          <span data-tone={correct === false ? "failed" : undefined} className={styles.answer}>
            answered <strong>{answerText(answer, confidence)}</strong>
          </span>
          {typeof error === "number" ? <span>off by {figure(error)}</span> : null}
          {against !== null && other !== null && other !== undefined ? (
            <span>
              version {against}: <strong>{answerText(other, other_confidence)}</strong>
            </span>
          ) : null}
          {pin_id ? <Tag tone="ok">pinned</Tag> : null}
          <CopyId id={id} noun="row" />
        </p>
        {note ? (
          <p className={styles.note}>
            {FINDINGS[note.finding]}
            {note.text ? `: ${note.text}` : ""} <RelativeTime at={note.noted_at} /> by {note.noted_by}
          </p>
        ) : null}
      </div>
      <div className={styles.buttons}>
        <NoteForm name={name} row={row} />
        {pin_id ? null : (
          <PinForm
            name={name}
            number={number}
            instance={instance}
            answered={answer}
            truth={truth}
            numeric={typeof error === "number"}
          />
        )}
      </div>
    </li>
  );
}

function NoteForm({ name, row: { row, note } }: { name: string; row: ShownRow }) {
  const forbidden = useForbidden("write");
  const [finding, setFinding] = useState<Finding>(note?.finding ?? "model_wrong");
  const [text, setText] = useState(note?.text ?? "");
  return (
    <FormAction
      title="What is the matter with this row?"
      submit="Note it"
      size="small"
      forbidden={forbidden}
      call={calls.note(name, row, finding, text)}
      fields={
        <>
          <Select
            label="Finding"
            value={finding}
            onChange={(value) => setFinding(value as Finding)}
            options={Object.entries(FINDINGS).map(([value, label]) => ({ value, label }))}
          />
          <TextArea label="In your words" value={text} onChange={setText} help="Seen again with every later version." />
        </>
      }
    >
      {note ? "Change note" : "Note"}
    </FormAction>
  );
}
