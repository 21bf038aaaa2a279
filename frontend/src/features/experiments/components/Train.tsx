/** Starts a run of an experiment: which data, how, and towards what. */
import { useState } from "react";
import { FormAction } from "../../../components/Action";
import { FieldRow, Select, TextArea, TextField } from "../../../components/Fields";
import { train } from "../api";
import { EMPTY, specText, TASKS, TRAINERS, type TrainForm } from "../spec";

interface TrainProps {
  experiment: string;
  forbidden: string | undefined;
  /** With the subject of the job: `runs/ID`. */
  onStarted: (subject: string) => void;
}

export function Train({ experiment, forbidden, onStarted }: TrainProps) {
  const [form, setForm] = useState<TrainForm>(EMPTY);
  const field = (name: keyof TrainForm) => ({
    value: form[name],
    onChange: (value: string) => setForm((old) => ({ ...old, [name]: value })),
  });
  const text = specText(form);
  return (
    <FormAction
      title={`Train in ${experiment}`}
      submit="Train"
      kind="primary"
      forbidden={forbidden}
      call={text === undefined ? undefined : train(experiment, text)}
      onDone={(job) => onStarted(job.subject)}
      fields={
        <>
          <FieldRow>
            <TextField label="Dataset" required autoFocus {...field("dataset")} />
            <TextField label="Version" required placeholder="3" help="A number or an alias." {...field("version")} />
          </FieldRow>
          <FieldRow>
            <Select label="Trainer" options={TRAINERS} {...field("trainer")} />
            <Select label="Task" options={TASKS} {...field("task")} />
          </FieldRow>
          <TextField label="Target" required help="The column to predict." {...field("target")} />
          <TextField
            label="Features"
            help="Columns with commas between; every column but the target when empty."
            {...field("features")}
          />
          <TextArea
            label="Parameters"
            code
            help="YAML or JSON, as max_depth: 6; the trainer's own values when empty."
            {...field("params")}
          />
          <TextField
            label="Model"
            help="The finished run becomes a version of it; left empty, it stays a run."
            {...field("model")}
          />
        </>
      }
    >
      Train
    </FormAction>
  );
}
