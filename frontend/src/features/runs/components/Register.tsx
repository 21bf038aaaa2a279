/** Makes a finished run a version of a model. */
import { useState } from "react";
import { FormAction } from "../../../components/Action";
import { TextField } from "../../../components/Fields";
import { register, type RunDetail } from "../api";

interface RegisterProps {
  run: RunDetail;
  forbidden: string | undefined;
  /** With where to go: the version, or the job that makes it. */
  onDone: (place: string) => void;
}

export function Register({ run, forbidden, onDone }: RegisterProps) {
  const [model, setModel] = useState(run.spec.model ?? "");
  return (
    <FormAction
      title="Register as a model version"
      submit="Register"
      size="small"
      forbidden={forbidden}
      call={model.trim() ? register(run.id, model.trim()) : undefined}
      onDone={(made) =>
        onDone(
          "number" in made ? `/models/${encodeURIComponent(model.trim())}/versions/${made.number}` : `/jobs/${made.id}`,
        )
      }
      fields={<TextField label="Model" value={model} onChange={setModel} required autoFocus help="One that exists." />}
    >
      Register
    </FormAction>
  );
}
