/** Why the answer is what it is: what each input contributed, worked out when somebody asks. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useForbidden } from "../../../client/access";
import { Problem } from "../../../client/http";
import { Action } from "../../../components/Action";
import { Intervals } from "../../../components/charts/Intervals";
import { Facts } from "../../../components/Facts";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { number } from "../../../lib/numbers";
import { words } from "../../../lib/text";
import { explain, explanationQuery, type ExplanationRead } from "../api";

const MOST = 20;
const ZERO = [{ at: 0, name: "no effect" }];

export function Explanation({ id }: { id: string }) {
  const query = useQuery(explanationQuery(id));
  const forbidden = useForbidden("write");
  const problem = query.error instanceof Problem ? query.error : undefined;
  const ask = (
    <Action call={explain(id)} kind="primary" forbidden={forbidden}>
      Explain this answer
    </Action>
  );
  if (!query.data && problem?.code === "not_explained") {
    return (
      <Panel title="Why">
        <p>What each input contributed is worked out by a worker when somebody asks, and kept.</p>
        {ask}
      </Panel>
    );
  }
  if (!query.data && (problem?.code === "explanation_failed" || problem?.code === "unknown_prediction")) {
    return (
      <Panel title="Why">
        <p>
          It could not be explained: {problem.message} {problem.fix}
        </p>
        {ask}
      </Panel>
    );
  }
  return (
    <Panel title="Why">
      <Read query={query} what="the explanation">
        {(found) =>
          "kind" in found ? (
            <p role="status">A worker is at it: {found.message || found.state}…</p>
          ) : (
            <Bars of={found} />
          )
        }
      </Read>
    </Panel>
  );
}

function Bars({ of }: { of: ExplanationRead }) {
  const intervals = useMemo(
    () =>
      of.contributions.slice(0, MOST).map(({ feature, value, contribution, standard_error: error }) => ({
        name: value === null || value === undefined ? feature : `${feature} = ${String(value).slice(0, 24)}`,
        estimate: contribution,
        low: error ? contribution - 2 * error : null,
        high: error ? contribution + 2 * error : null,
        tone: contribution < 0 ? ("attention" as const) : ("running" as const),
      })),
    [of],
  );
  return (
    <>
      <p>
        The mean answer is {number(of.base_value)}; these inputs make it {number(of.prediction)} for {of.explains}.
      </p>
      <Intervals label="What each input contributed" intervals={intervals} marks={ZERO} xName="contribution" />
      {of.contributions.length > MOST ? (
        <p>
          The {MOST} largest of {of.contributions.length} are shown.
        </p>
      ) : null}
      <Facts
        of={{
          Method: words(of.method),
          "Compared with": of.background_rows > 0 && `${number(of.background_rows)} training rows`,
          "Model asked": `${number(of.evaluations)} times`,
        }}
      />
    </>
  );
}
