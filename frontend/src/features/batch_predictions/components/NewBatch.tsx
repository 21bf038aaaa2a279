/** A new batch: which rows, by which model or endpoint, into what. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { FieldRow, Select, TextField } from "../../../components/Fields";
import { startBatch, type BatchAsk } from "../api";

const BAD_ROWS = [
  { value: "fail", label: "ends the batch" },
  { value: "null", label: "gets null and the reason" },
];
const BY = [
  { value: "model", label: "a model version" },
  { value: "endpoint", label: "what an endpoint answers by now" },
];
const ENGINES: BatchAsk["engine"][] = ["auto", "local", "spark"];

export function NewBatch() {
  const forbidden = useForbidden("write");
  const [dataset, setDataset] = useState("");
  const [by, setBy] = useState("model");
  const [source, setSource] = useState("");
  const [into, setInto] = useState("");
  const [keep, setKeep] = useState("");
  const [engine, setEngine] = useState<BatchAsk["engine"]>("auto");
  const [bad, setBad] = useState<BatchAsk["on_bad_row"]>("fail");
  const columns = keep
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);
  const whole = dataset.trim() && source.trim() && into.trim();
  const call = whole
    ? startBatch({
        dataset: dataset.trim(),
        ...(by === "model" ? { model: source.trim() } : { endpoint: source.trim() }),
        into: into.trim(),
        ...(columns.length > 0 ? { keep: columns } : {}),
        engine,
        on_bad_row: bad,
      })
    : undefined;
  return (
    <FormAction
      title="A new batch prediction"
      submit="Start"
      kind="primary"
      forbidden={forbidden}
      call={call}
      fields={
        <>
          <FieldRow>
            <TextField
              label="Rows of"
              value={dataset}
              onChange={setDataset}
              placeholder="bikes@3"
              help="A data version, NAME@n."
              required
              autoFocus
            />
            <TextField
              label="Into the dataset"
              value={into}
              onChange={setInto}
              placeholder="bikes-scored"
              help="One that exists: the rows with their answers become its next version."
              required
            />
          </FieldRow>
          <FieldRow>
            <Select label="Scored by" value={by} onChange={setBy} options={BY} />
            <TextField
              label={by === "model" ? "Model" : "Endpoint"}
              value={source}
              onChange={setSource}
              placeholder={by === "model" ? "bikes@champion" : "bikes"}
              help={by === "model" ? "NAME, NAME@n or NAME@alias; NAME alone is its champion." : undefined}
              required
            />
          </FieldRow>
          <FieldRow>
            <TextField label="Columns kept" value={keep} onChange={setKeep} help="Empty: all. Commas between." />
            <Select
              label="A row the model cannot take"
              value={bad}
              onChange={(next) => setBad(next === "null" ? "null" : "fail")}
              options={BAD_ROWS}
            />
            <Select
              label="Engine"
              value={engine}
              onChange={(next) => setEngine(ENGINES.find((one) => one === next) ?? "auto")}
              options={ENGINES}
            />
          </FieldRow>
        </>
      }
    >
      New batch
    </FormAction>
  );
}
