/** A row as it was answered, with what people said of it; here a mistake becomes a test. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { CopyId } from "../../../components/Copy";
import { Select, TextArea, TextField } from "../../../components/Fields";
import { Glyph } from "../../../components/Glyph";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { number as figure } from "../../../lib/numbers";
import { calls, type Finding, type ShownRow } from "../api";
import { answerText, FINDINGS, labelOf, labelText, soleText } from "../rows";
import styles from "./Eyeballs.module.css";

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
        {pin_id ? null : <PinForm name={name} number={number} row={row} />}
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

function PinForm({ name, number, row }: Omit<RowProps, "against">) {
  const forbidden = useForbidden("write");
  const { instance, truth, answer, error } = row;
  const [expect, setExpect] = useState(String(truth));
  const [within, setWithin] = useState("");
  const [note, setNote] = useState("");
  const numeric = typeof error === "number";
  const label = labelOf(expect, truth);
  const close = Number(within);
  const ready = label !== undefined && (!numeric || (within.trim() !== "" && close >= 0));
  return (
    <FormAction
      title="Pin this row as a test"
      submit="Pin"
      size="small"
      forbidden={forbidden}
      call={
        ready
          ? calls.pin(name, number, { instance, expect: label, within: numeric ? close : null, answered: answer, note })
          : undefined
      }
      fields={
        <>
          <p>
            Every later version must answer it as told; no policy can leave that out. The newest is checked at once.
          </p>
          <TextField
            label="It must answer"
            value={expect}
            onChange={setExpect}
            error={label === undefined ? "Not an answer of this kind" : undefined}
            help="The truth as it is in the data; change it where the label is wrong"
          />
          {numeric ? (
            <TextField
              label="Within"
              type="number"
              step="any"
              value={within}
              onChange={setWithin}
              help={`How close is close enough; now it is off by ${figure(error)}`}
            />
          ) : null}
          <TextArea label="Why it matters" value={note} onChange={setNote} rows={2} />
        </>
      }
    >
      Pin
    </FormAction>
  );
}
