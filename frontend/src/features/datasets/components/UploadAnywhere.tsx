/** An upload from the list: to a dataset that there is, or to one that is made with it. */
import { useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useForbidden } from "../../../client/access";
import { isProblem } from "../../../client/http";
import { RefusalText, useSend } from "../../../components/Action";
import { Button } from "../../../components/Button";
import { Dialog, DialogButtons } from "../../../components/Dialog";
import { TextField } from "../../../components/Fields";
import type { Picked } from "../../../lib/files";
import { calls, type Dataset } from "../api";
import { NAME_HELP, nameProblem } from "../names";
import { uploadsOf } from "../upload";
import { UploadForm } from "./UploadForm";

interface UploadAnywhereProps {
  datasets: readonly Dataset[];
  /** Called when the upload has begun; it is followed on the page of the dataset. */
  onBegun: (name: string) => void;
}

export function UploadAnywhere({ datasets, onBegun }: UploadAnywhereProps) {
  const client = useQueryClient();
  const forbidden = useForbidden("write");
  const known = useId();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [held, setHeld] = useState<{ groups: Picked[][]; message: string }>();
  const begin = (groups: Picked[][], message: string) => {
    uploadsOf(name, () => void client.invalidateQueries()).add(groups, message);
    setOpen(false);
    setHeld(undefined);
    onBegun(name);
  };
  const create = useSend(() => {
    if (held) begin(held.groups, held.message);
  });
  const exists = datasets.some((dataset) => dataset.name === name);
  return (
    <>
      <Button kind="primary" forbidden={forbidden} onClick={() => setOpen(true)}>
        Upload
      </Button>
      <Dialog title="Upload a version" size="large" open={open} onClose={() => setOpen(false)}>
        <TextField
          label="Dataset"
          value={name}
          onChange={setName}
          list={known}
          error={nameProblem(name)}
          help={name && !exists ? `There is no ${name} in the list yet: it is made with the upload.` : NAME_HELP}
        />
        <datalist id={known}>
          {datasets.map((dataset) => (
            <option key={dataset.name} value={dataset.name} />
          ))}
        </datalist>
        <UploadForm
          busy={create.isPending}
          missing={!name || nameProblem(name) ? "Name the dataset first" : undefined}
          onSend={(groups, message) => {
            if (exists) begin(groups, message);
            else {
              setHeld({ groups, message });
              create.mutate(calls.create(name, ""));
            }
          }}
        />
        {held && create.error ? (
          <>
            <RefusalText error={create.error} what="The dataset was not made" />
            {isProblem(create.error, "dataset_exists") ? (
              <Button kind="primary" onClick={() => begin(held.groups, held.message)}>
                Upload to the one that is there
              </Button>
            ) : (
              <Button kind="primary" busy={create.isPending} onClick={() => create.mutate(calls.create(name, ""))}>
                Try again with the same files
              </Button>
            )}
          </>
        ) : null}
        <DialogButtons>
          <Button onClick={() => setOpen(false)}>Close</Button>
        </DialogButtons>
      </Dialog>
    </>
  );
}
