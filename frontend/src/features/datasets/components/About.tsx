/** The description of a dataset, changed in place, and taking the dataset out of the lists. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { Action, FormAction } from "../../../components/Action";
import { TextArea } from "../../../components/Fields";
import { calls, type Dataset } from "../api";

export function Describe({ dataset }: { dataset: Dataset }) {
  const forbidden = useForbidden("write");
  const [text, setText] = useState<string>();
  return (
    <FormAction
      title={`Describe ${dataset.name}`}
      submit="Save"
      size="small"
      forbidden={forbidden}
      call={text === undefined || text === dataset.description ? undefined : calls.describe(dataset, text)}
      fields={
        <TextArea
          label="Description"
          value={text ?? dataset.description}
          onChange={setText}
          help="What is in it, where it comes from, who knows about it."
        />
      }
      onDone={() => setText(undefined)}
    >
      Describe
    </FormAction>
  );
}

export function Archive({ dataset }: { dataset: Dataset }) {
  const forbidden = useForbidden("write");
  if (dataset.archived_at) return null;
  return (
    <Action
      kind="danger"
      call={calls.archive(dataset.name)}
      forbidden={forbidden}
      confirm={{
        title: `Archive ${dataset.name}?`,
        say: "It leaves the lists and takes no new versions. What it has can still be read. This cannot be taken back here.",
      }}
    >
      Archive
    </Action>
  );
}
