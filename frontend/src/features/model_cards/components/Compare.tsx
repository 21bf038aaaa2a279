/** Versions side by side: metrics with their intervals drawn, and what differs of how they were made. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Button } from "../../../components/Button";
import { Intervals } from "../../../components/charts/Intervals";
import { TextField } from "../../../components/Fields";
import { Notice } from "../../../components/Notice";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { useUrlState } from "../../../lib/urlState";
import { sideBySideQuery, type SideBySide } from "../api";
import { factsOf, side, type Side } from "../sides";
import styles from "./Card.module.css";

export function Compare({ name }: { name: string }) {
  const [versions, setVersions] = useUrlState("compare");
  const [text, setText] = useState(versions);
  const query = useQuery(sideBySideQuery(name, versions));
  return (
    <Stack>
      <Panel title="Which versions">
        <form
          className={styles.words}
          onSubmit={(event) => {
            event.preventDefault();
            setVersions(text.replaceAll(" ", ""));
          }}
        >
          <TextField
            label="Versions"
            value={text}
            onChange={setText}
            placeholder="1,2,other@3"
            help="Two to twenty numbers; versions of other models as model@n. Or tick them in the table of versions."
          />
          <span>
            <Button type="submit" kind="primary">
              Compare
            </Button>
          </span>
        </form>
      </Panel>
      {versions.includes(",") ? (
        <Read query={query} what="the versions side by side">
          {(sides) => <Sides sides={sides} />}
        </Read>
      ) : null}
    </Stack>
  );
}

function Sides({ sides }: { sides: SideBySide }) {
  const { versions, warning, metrics, params, slices, checks } = sides;
  return (
    <>
      {warning ? (
        <Notice tone="attention" title="Not measured on the same rows">
          <p>{warning} A comparison below scores them on the same ones.</p>
        </Notice>
      ) : null}
      <Panel title="Metrics on frozen test rows">
        {metrics
          .filter(({ values }) => values.some((value) => typeof value?.low === "number"))
          .map((metric) => (
            <Metric key={metric.name} metric={metric} versions={versions} />
          ))}
        <Table
          versions={versions}
          rows={metrics.map(({ name, values }) =>
            side(
              name,
              values.map((value) => value?.value),
            ),
          )}
          label="Metrics"
        />
      </Panel>
      <Panel title="What differs">
        <Table
          versions={versions}
          rows={[...params.map(({ name, values }) => side(name, values)), ...factsOf(sides)]}
          label="Parameters, data and verdicts"
        />
      </Panel>
      {checks.length > 0 ? (
        <Panel title="Checks">
          <Table versions={versions} rows={checks.map(({ name, values }) => side(name, values))} label="Checks" />
        </Panel>
      ) : null}
      {slices.length > 0 ? (
        <Panel title="Slices">
          <Table versions={versions} rows={slices.map(({ name, values }) => side(name, values))} label="Slices" />
        </Panel>
      ) : null}
    </>
  );
}

function Metric({ metric, versions }: { metric: SideBySide["metrics"][number]; versions: readonly string[] }) {
  const intervals = useMemo(
    () =>
      metric.values.flatMap((value, index) =>
        value
          ? [{ name: versions[index] ?? "", estimate: value.value, low: value.low ?? null, high: value.high ?? null }]
          : [],
      ),
    [metric, versions],
  );
  return (
    <div>
      <p>{metric.name}</p>
      <Intervals label={`${metric.name} of each version with its 95 % interval`} intervals={intervals} />
    </div>
  );
}

function Table({ versions, rows, label }: { versions: readonly string[]; rows: readonly Side[]; label: string }) {
  return (
    <div className={styles.scroller} tabIndex={0} role="group" aria-label={label}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">
              <span className="offscreen">Of</span>
            </th>
            {versions.map((version) => (
              <th key={version} scope="col">
                {version}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, values, differs }) => (
            <tr key={name} data-differs={differs}>
              <th scope="row">{name}</th>
              {values.map((value, index) => (
                <td key={index}>{value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
