/** A new endpoint for a model. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { FieldRow, Select, TextField } from "../../../components/Fields";
import { modelNamesQuery, putEndpoint, type EndpointSettings } from "../api";
import { draftOf, strategyOf, type StrategyDraft } from "../strategy";
import { StrategyFields } from "./StrategyFields";
import { VISIBILITIES } from "./visibility";

export function NewEndpoint({ onDone }: { onDone: (name: string) => void }) {
  const forbidden = useForbidden("write");
  const models = useQuery(modelNamesQuery).data ?? [];
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState<string>();
  const [visibility, setVisibility] = useState("private");
  const [draft, setDraft] = useState<StrategyDraft | undefined>(draftOf("blue_green"));
  const model = chosen ?? models[0] ?? "";
  const name = typed.trim();
  const strategy = draft && strategyOf(draft);
  const call =
    name && model && typeof strategy === "object"
      ? putEndpoint(name, { model, strategy, settings: { visibility } as EndpointSettings })
      : undefined;
  return (
    <FormAction
      title="A new endpoint"
      submit="Create"
      kind="primary"
      forbidden={forbidden}
      call={call}
      onDone={(made) => {
        setTyped("");
        onDone(made.name);
      }}
      fields={
        <>
          <FieldRow>
            <TextField
              label="Name"
              value={typed}
              onChange={setTyped}
              required
              autoFocus
              help={`Answers at /serve/${name || "NAME"}/predict`}
            />
            <Select
              label="Model"
              value={model}
              onChange={setChosen}
              options={models.length > 0 ? models : [{ value: "", label: "No model yet" }]}
              help="Its champion, if it has one, is rolled out at once."
            />
          </FieldRow>
          <Select label="Who may ask" value={visibility} onChange={setVisibility} options={VISIBILITIES} />
          <StrategyFields draft={draft} onChange={setDraft} />
        </>
      }
    >
      New endpoint
    </FormAction>
  );
}
