/** A name for the versions to come. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { TextArea, TextField } from "../../../components/Fields";
import { calls } from "../api";
import { NAME_HELP, nameProblem } from "../names";

export function CreateDataset({ onDone }: { onDone: (name: string) => void }) {
  const forbidden = useForbidden("write");
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  return (
    <FormAction
      title="Create a dataset"
      submit="Create"
      size="small"
      forbidden={forbidden}
      call={name && !nameProblem(name) ? calls.create(name, description) : undefined}
      fields={
        <>
          <TextField
            label="Name"
            value={name}
            onChange={setName}
            autoFocus
            required
            error={nameProblem(name)}
            help={NAME_HELP}
          />
          <TextArea label="Description" value={description} onChange={setDescription} rows={3} />
        </>
      }
      onDone={(made) => {
        setName("");
        setDescription("");
        onDone(made.name);
      }}
    >
      Create a dataset
    </FormAction>
  );
}
