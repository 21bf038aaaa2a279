/** Putting the failing rows of a version aside: the clean ones become the next version. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { Checkbox, TextField } from "../../../components/Fields";
import { calls, type Report } from "../api";
import { canQuarantine } from "../report";

interface QuarantineProps {
  name: string;
  number: number;
  report: Report;
  kind?: "primary" | "plain";
  onDone: (job: Awaited<ReturnType<ReturnType<typeof calls.quarantine>["send"]>>) => void;
}

export function Quarantine({ name, number, report, kind = "plain", onDone }: QuarantineProps) {
  const forbidden = useForbidden("write");
  const [failing, setFailing] = useState("");
  const [warnings, setWarnings] = useState(false);
  const [message, setMessage] = useState("");
  const body = { warnings, message, ...(failing ? { failing } : {}) };
  return (
    <FormAction
      title={`Quarantine rows of version ${number}`}
      submit="Split the version"
      size="small"
      kind={kind}
      forbidden={forbidden ?? (canQuarantine(report, true) ? undefined : "No check that looks at single rows fails")}
      call={canQuarantine(report, warnings) ? calls.quarantine(name, number, body) : undefined}
      fields={
        <>
          <p>
            The rows that pass become the next version of {name}, the others a version of another dataset, with a column
            that says which checks each failed. Version {number} stays as it is.
          </p>
          <TextField
            label="Dataset for the failing rows"
            value={failing}
            onChange={setFailing}
            placeholder={`${name}-quarantine`}
            help="Made when it is not there."
          />
          <Checkbox label="Checks that only warn count too" checked={warnings} onChange={setWarnings} />
          <TextField label="Message" value={message} onChange={setMessage} />
        </>
      }
      onDone={onDone}
    >
      Quarantine rows
    </FormAction>
  );
}
