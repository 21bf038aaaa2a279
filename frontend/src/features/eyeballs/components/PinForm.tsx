/** A mistake becomes a test: what every later version must answer to a row. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { TextArea, TextField } from "../../../components/Fields";
import { number as figure } from "../../../lib/numbers";
import { calls, type Label } from "../api";
import { labelOf } from "../rows";

interface PinFormProps {
  /** Of the model whose version answered. */
  name: string;
  number: number;
  instance: Record<string, unknown>;
  answered: Label;
  /** Null while nobody knows it. */
  truth: Label | null;
  /** Answers are measured by how far off they are. */
  numeric: boolean;
  onDone?: () => void;
}

export function PinForm({ name, number, instance, answered, truth, numeric, onDone }: PinFormProps) {
  const forbidden = useForbidden("write");
  const [expect, setExpect] = useState(truth === null ? "" : String(truth));
  const [within, setWithin] = useState("");
  const [note, setNote] = useState("");
  const label = labelOf(expect, truth ?? answered);
  const off = typeof label === "number" && typeof answered === "number" ? Math.abs(label - answered) : undefined;
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
          ? calls.pin(name, number, { instance, expect: label, within: numeric ? close : null, answered, note })
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
            error={expect !== "" && label === undefined ? "Not an answer of this kind" : undefined}
            help={
              truth === null
                ? `It answered ${typeof answered === "number" ? figure(answered) : String(answered)}; say what is true`
                : "The truth as it is in the data; change it where the label is wrong"
            }
          />
          {numeric ? (
            <TextField
              label="Within"
              type="number"
              step="any"
              value={within}
              onChange={setWithin}
              help={`How close is close enough${off === undefined ? "" : `; now it is off by ${figure(off)}`}`}
            />
          ) : null}
          <TextArea label="Why it matters" value={note} onChange={setNote} rows={2} />
        </>
      }
      {...(onDone ? { onDone } : {})}
    >
      Pin
    </FormAction>
  );
}
