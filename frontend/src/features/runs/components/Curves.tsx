/** The metrics of a run over its steps, growing while it runs. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Lines } from "../../../components/charts/Lines";
import { Select } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { number } from "../../../lib/numbers";
import { useUrlState } from "../../../lib/urlState";
import { curvesQuery, metricsQuery, type RunCurves } from "../api";
import { curveGroup } from "../columns";

const MOST_KEYS = 20;

function Drawn({ id, keys, name, live }: { id: string; keys: readonly string[]; name: string; live: boolean }) {
  const query = useQuery(curvesQuery(id, keys, live));
  const lines = useMemo(
    () =>
      (query.data?.curves ?? []).map(({ key, steps, values }) => ({
        name: key,
        points: steps.map((step, index) => [step, values[index] ?? null] as const),
      })),
    [query.data],
  );
  const single = lines.every(({ points }) => points.length <= 1);
  return (
    <Read query={query} what="the curves">
      {() =>
        single ? (
          <p>
            Logged once: {lines.map((line) => `${line.name} ${number(line.points[0]?.[1] ?? null)}`).join(", ") || "–"}
          </p>
        ) : (
          <Lines label={`${name} over steps`} lines={lines} x="value" xName="step" height={260} />
        )
      }
    </Read>
  );
}

function Chosen({ id, metrics, live }: { id: string; metrics: RunCurves["metrics"]; live: boolean }) {
  const [wanted, setWanted] = useUrlState("curve");
  const groups = useMemo(() => {
    const found = new Map<string, string[]>();
    // A comma separates names in the question to the server.
    for (const { key } of metrics.filter((metric) => !metric.key.includes(","))) {
      const group = curveGroup(key);
      found.set(group, [...(found.get(group) ?? []), key]);
    }
    return found;
  }, [metrics]);
  const stepped =
    metrics.find(({ key, step }) => step > 0 && curveGroup(key) === "loss") ?? metrics.find((m) => m.step > 0);
  const first = groups.keys().next().value;
  const name = groups.has(wanted) ? wanted : stepped ? curveGroup(stepped.key) : first;
  const keys = useMemo(() => (name === undefined ? [] : (groups.get(name) ?? []).slice(0, MOST_KEYS)), [groups, name]);
  if (name === undefined) return null;
  return (
    <>
      <Select label="Metric" value={name} onChange={setWanted} options={[...groups.keys()]} />
      <Drawn id={id} keys={keys} name={name} live={live} />
    </>
  );
}

export function Curves({ id, live }: { id: string; live: boolean }) {
  const query = useQuery(metricsQuery(id, live));
  return (
    <Panel title="Curves">
      <Read query={query} what="the curves">
        {({ metrics, tracked }) =>
          metrics.length === 0 ? (
            <p>{tracked || !live ? "It has logged no metric." : "It has just begun: nothing has been logged yet."}</p>
          ) : (
            <Chosen id={id} metrics={metrics} live={live} />
          )
        }
      </Read>
    </Panel>
  );
}
