/** What a person does with an endpoint: back to the version before, or on to another one. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { Action, FormAction } from "../../../components/Action";
import { Select } from "../../../components/Fields";
import { words } from "../../../lib/text";
import { rollBack, startRollout, versionNumbersQuery, type EndpointRead } from "../api";
import { strategyOf, type StrategyDraft } from "../strategy";
import { StrategyFields } from "./StrategyFields";

export function RollBack({ endpoint }: { endpoint: EndpointRead }) {
  const mayNot = useForbidden("write");
  const { name, live_version: live, standby_version: standby, rollout_id: rollout } = endpoint;
  const possible = endpoint.can_roll_back || rollout !== null;
  const say = rollout
    ? `The candidate on trial goes, and v${live ?? "–"} answers alone again, at once.`
    : `v${standby ?? "–"} is still warm and answers everything at once; v${live ?? "–"} stops answering.`;
  return (
    <Action
      kind="danger"
      call={rollBack(name, "asked by a person in the dashboard")}
      forbidden={mayNot ?? (possible ? undefined : "There is no version to go back to")}
      done="Rolled back"
      confirm={{ title: `Roll ${name} back?`, say, button: "Roll back now" }}
    >
      Roll back
    </Action>
  );
}

export function StartRollout({ endpoint, onDone }: { endpoint: EndpointRead; onDone: () => void }) {
  const mayNot = useForbidden("write");
  const versions = useQuery(versionNumbersQuery(endpoint.model)).data ?? [];
  const [chosen, setChosen] = useState<string>();
  const [draft, setDraft] = useState<StrategyDraft>();
  const others = versions.filter(({ number }) => number !== endpoint.live_version);
  const version = Number(chosen ?? others[0]?.number);
  const strategy = draft && strategyOf(draft);
  const call = version > 0 && typeof strategy !== "string" ? startRollout(endpoint.name, version, strategy) : undefined;
  return (
    <FormAction
      title={`Roll out to ${endpoint.name}`}
      submit="Start"
      forbidden={mayNot ?? (endpoint.rollout_id ? "One is under way" : undefined)}
      call={call}
      onDone={onDone}
      fields={
        <>
          <Select
            label={`Version of ${endpoint.model}`}
            value={others.length > 0 ? String(version) : ""}
            onChange={setChosen}
            options={
              others.length > 0
                ? others.map(({ number, state }) => ({ value: String(number), label: `v${number} (${words(state)})` }))
                : [{ value: "", label: "No other version" }]
            }
            help="Only a version that has passed the gates of its model is taken."
          />
          <StrategyFields
            draft={draft}
            onChange={setDraft}
            own={`The endpoint's own: ${words(endpoint.strategy.strategy)}`}
          />
        </>
      }
    >
      Start a rollout
    </FormAction>
  );
}
