/** Declaring a model before it has versions. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { Select, TextArea, TextField } from "../../../components/Fields";
import { words } from "../../../lib/text";
import { calls, TASKS, type Task } from "../api";

export function CreateModel({ onMade }: { onMade: (name: string) => void }) {
  const forbidden = useForbidden("write");
  const [name, setName] = useState("");
  const [task, setTask] = useState<Task>("classification");
  const [target, setTarget] = useState("");
  const [description, setDescription] = useState("");
  return (
    <FormAction
      title="Declare a model"
      submit="Declare"
      size="small"
      forbidden={forbidden}
      call={
        name.trim() && target.trim()
          ? calls.create({ name: name.trim(), task, target: target.trim(), description })
          : undefined
      }
      onDone={(model) => onMade(model.name)}
      fields={
        <>
          <TextField label="Name" value={name} onChange={setName} required autoFocus />
          <Select
            label="Task"
            value={task}
            onChange={(value) => setTask(value as Task)}
            options={TASKS.map((value) => ({ value, label: words(value) }))}
          />
          <TextField label="Target" value={target} onChange={setTarget} required help="The column it answers" />
          <TextArea label="Description" value={description} onChange={setDescription} rows={2} />
        </>
      }
    >
      Declare a model
    </FormAction>
  );
}
