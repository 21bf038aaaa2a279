/** From an id, as every answer carries one, to what was recorded. */
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Button } from "../../../components/Button";
import { FieldRow, TextField } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function FindPrediction() {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const id = text.trim().toLowerCase();
  const valid = ID.test(id);
  return (
    <Panel title="Look a prediction up">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (valid) void navigate({ to: "/predictions/$id", params: { id } });
        }}
      >
        <FieldRow>
          <TextField
            label="Prediction id"
            value={text}
            onChange={setText}
            help="Each answer of the endpoint has one, in `ids`. Its page shows the row, the lineage, and why."
            error={id && !valid ? "Not an id: it looks like 01a2163e-c838-7744-9a2a-e8d893771caa." : undefined}
          />
          <Button type="submit" kind="primary" forbidden={valid ? undefined : "Give an id"}>
            Open
          </Button>
        </FieldRow>
      </form>
    </Panel>
  );
}
