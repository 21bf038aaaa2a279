/** One row, asked of the endpoint as any caller asks it; and the programs that do the same. */
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { RefusalText } from "../../../components/Action";
import { asCurl } from "../../../components/ApiCall";
import { Button } from "../../../components/Button";
import { Command, CopyId } from "../../../components/Copy";
import { Facts } from "../../../components/Facts";
import { FieldRow, Select, TextField } from "../../../components/Fields";
import { Json } from "../../../components/Json";
import { Columns, Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { number, percent } from "../../../lib/numbers";
import { ask, type EndpointRead, type InputColumn, type Served } from "../api";
import { asPython, rowOf, startOf } from "../rows";
import styles from "./Answering.module.css";

function Field({ input, value, error, onChange }: FieldProps) {
  const { name, type, nullable } = input;
  const label = `${name} (${type}${nullable ? ", may be empty" : ""})`;
  if (type === "boolean") {
    return <Select label={label} value={value} onChange={onChange} options={["", "true", "false"]} />;
  }
  return <TextField label={label} value={value} onChange={onChange} error={error} />;
}

interface FieldProps {
  input: InputColumn;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}

export function TryIt({ endpoint }: { endpoint: EndpointRead }) {
  const { signature } = endpoint;
  if (!signature) {
    return <Panel title="Try it" empty="No version is live: nothing would answer. Start a rollout first." />;
  }
  return <Form key={endpoint.live_version} endpoint={endpoint} inputs={signature.inputs} />;
}

function Form({ endpoint, inputs }: { endpoint: EndpointRead; inputs: readonly InputColumn[] }) {
  const [texts, setTexts] = useState(() => startOf(inputs));
  const mayNot = useForbidden("predict");
  const [answers, setAnswers] = useState<Served[]>([]);
  const send = useMutation({
    mutationFn: (body: object) => ask(endpoint.name, body),
    onSuccess: (answer) => setAnswers((old) => [answer, ...old].slice(0, 20)),
  });
  const { row, errors } = rowOf(inputs, texts);
  const wrong = Object.keys(errors).length;
  const path = `/serve/${encodeURIComponent(endpoint.name)}/predict`;
  const body = { instances: [row] };
  const isPrivate = endpoint.settings.visibility === "private";
  return (
    <Columns>
      <Panel title="Try it">
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            if (wrong === 0) send.mutate(body);
          }}
        >
          <FieldRow>
            {inputs.map((input) => (
              <Field
                key={input.name}
                input={input}
                value={texts[input.name] ?? ""}
                error={errors[input.name]}
                onChange={(value) => setTexts((old) => ({ ...old, [input.name]: value }))}
              />
            ))}
          </FieldRow>
          <RefusalText error={send.error} what="No answer" />
          <Button
            kind="primary"
            type="submit"
            busy={send.isPending}
            forbidden={wrong > 0 ? "Fill in what is needed" : isPrivate ? mayNot : undefined}
          >
            Predict
          </Button>
        </form>
      </Panel>
      <Stack>
        <Panel title="Answers" count={answers.length} empty={answers.length === 0 && "What it says appears here."}>
          {answers.map((answer, index) => (
            <Said key={answer.ids[0] ?? index} answer={answer} open={index === 0} />
          ))}
        </Panel>
        <Panel title="The same from a program">
          <Command
            text={asCurl({ method: "POST", path, body, headers: {} }, window.location.origin)}
            label="With curl"
          />
          <Command text={asPython(window.location.origin + path, row)} label="In Python" />
        </Panel>
      </Stack>
    </Columns>
  );
}

function Said({ answer, open }: { answer: Served; open: boolean }) {
  const [id] = answer.ids;
  const [prediction] = answer.predictions;
  const likely = Object.entries(answer.probabilities?.[0] ?? {}).sort(([, a], [, b]) => b - a);
  return (
    <div>
      <Facts
        of={{
          Answer: <strong>{typeof prediction === "number" ? number(prediction) : String(prediction)}</strong>,
          ...Object.fromEntries(likely.slice(0, 5).map(([label, share]) => [label, percent(share)])),
          Version: `v${answer.model_version}`,
          Took: `${number(answer.millis)} ms, there and back`,
          Prediction: id && (
            <>
              <Link to="/predictions/$id" params={{ id }}>
                open
              </Link>{" "}
              <CopyId id={id} noun="prediction" /> (recorded within seconds)
            </>
          ),
        }}
      />
      {open ? <Json of={answer.body} label="The answer" /> : null}
    </div>
  );
}
