/** Letting a version answer at an endpoint of its model; archiving it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { Action, FormAction } from "../../../components/Action";
import { Select } from "../../../components/Fields";
import { calls, endpointsQuery, type Version } from "../api";
import styles from "./Models.module.css";

export function Deploy({ version: { model, number, state } }: { version: Version }) {
  const forbidden = useForbidden("write");
  const { data: endpoints = [] } = useQuery(endpointsQuery(model));
  const [chosen, setChosen] = useState("");
  const [rollout, setRollout] = useState<string>();
  const endpoint = endpoints.find(({ name }) => name === chosen) ?? endpoints[0];
  const why =
    state === "archived"
      ? "It is archived"
      : endpoint
        ? undefined
        : "The model has no endpoint yet: make one under Endpoints";
  return (
    <span className={styles.row}>
      <FormAction
        title={`Deploy version ${number} of ${model}`}
        submit="Start the rollout"
        size="small"
        forbidden={forbidden ?? why}
        call={endpoint ? calls.rollOut(endpoint.name, number) : undefined}
        onDone={({ subject }) => setRollout(subject.replace(/^rollouts\//, ""))}
        fields={
          <>
            <Select
              label="Endpoint"
              value={endpoint?.name ?? ""}
              onChange={setChosen}
              options={endpoints.map(({ name, live_version }) => ({
                value: name,
                label: `${name} (${live_version === null ? "nothing answers" : `version ${live_version} answers`})`,
              }))}
            />
            <p>
              It takes over by the endpoint&apos;s own strategy and is judged meanwhile. A version that has not passed
              its gates is refused.
            </p>
          </>
        }
      >
        Deploy…
      </FormAction>
      {rollout ? (
        <Link to="/rollouts/$id" params={{ id: rollout }}>
          Follow the rollout
        </Link>
      ) : null}
    </span>
  );
}

export function Archive({ version: { model, number, state, aliases } }: { version: Version }) {
  const forbidden = useForbidden("write");
  if (state === "archived") return null;
  return (
    <Action
      call={calls.archive(model, number)}
      kind="danger"
      forbidden={forbidden ?? (aliases.length > 0 ? `It is ${aliases.join(" and ")}` : undefined)}
      confirm={{
        title: `Archive version ${number} of ${model}?`,
        say: "It is taken out of the running for good: it cannot be promoted or deployed any more. What is known of it stays.",
      }}
    >
      Archive
    </Action>
  );
}
