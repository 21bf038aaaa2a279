/** Drift by feature and time; a click opens the window with its distributions. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { HeatMap } from "../../../components/charts/HeatMap";
import { Histogram } from "../../../components/charts/Histogram";
import { CopyId } from "../../../components/Copy";
import { DataTable, type Column } from "../../../components/DataTable";
import { Stat, Stats } from "../../../components/Facts";
import { Select } from "../../../components/Fields";
import { Stack } from "../../../components/Page";
import { LinkButton } from "../../../components/LinkButton";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { number, percent } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import { useUrlState } from "../../../lib/urlState";
import { heatMapQuery, windowQuery, type FeatureDrift, type HeatMapRead, type WindowDetail } from "../api";
import { bars, clockText, heat, heatText } from "../shapes";
import styles from "./Monitoring.module.css";

export function DriftTab({ name }: { name: string }) {
  const query = useQuery(heatMapQuery(name));
  return (
    <Read query={query} what="the windows">
      {(map) =>
        map.windows.length === 0 ? (
          <Panel
            title="Drift by feature and window"
            empty="No window has closed yet. One closes when enough predictions were recorded; the policy says how many."
          />
        ) : (
          <Windows map={map} />
        )
      }
    </Read>
  );
}

function Windows({ map }: { map: HeatMapRead }) {
  const [wanted, setWindow] = useUrlState("window");
  const [feature, setFeature] = useUrlState("feature");
  const newest = map.windows.at(-1)?.id ?? "";
  const chosen = wanted || newest;
  const columns = useMemo(
    () =>
      map.windows.map(({ closed_at: at, version }) => `${clockText(at)}${version === null ? "" : ` · v${version}`}`),
    [map],
  );
  const rows = useMemo(() => map.features.map(({ name }) => name), [map]);
  const values = useMemo(() => heat(map), [map]);
  const known = map.windows.map(({ id, verdict }, index) => ({
    value: id,
    label: `${columns[index] ?? id}: ${verdict}`,
  }));
  const options = known.some(({ value }) => value === chosen)
    ? known.reverse()
    : [{ value: chosen, label: `window ${chosen.slice(-8)}` }, ...known.reverse()];
  return (
    <Stack>
      <Panel title="Drift by feature and window">
        <p className={styles.quiet}>
          Amber is at the threshold, red at twice that or broken; what drifted most often is on top. Click a cell to see
          its window.
        </p>
        <HeatMap
          label={`Drift of ${rows.length} features over ${map.windows.length} windows`}
          rows={rows}
          columns={columns}
          values={values}
          full={2}
          format={heatText}
          onPick={(row, column) => {
            setWindow(map.windows[column]?.id);
            // One navigation after the other: both start from the query as it is then.
            setTimeout(() => setFeature(rows[row]), 0);
          }}
        />
        <div className={styles.choice}>
          <Select label="Window" value={chosen} onChange={setWindow} options={options} />
        </div>
      </Panel>
      <OneWindow endpoint={map.endpoint} id={chosen} feature={feature} onFeature={setFeature} />
    </Stack>
  );
}

interface OneWindowProps {
  endpoint: string;
  id: string;
  feature: string;
  onFeature: (name: string) => void;
}

function OneWindow({ endpoint, id, feature, onFeature }: OneWindowProps) {
  const query = useQuery(windowQuery(endpoint, id));
  return (
    <Read query={query} what="the window">
      {(window) => <WindowFacts window={window} feature={feature} onFeature={onFeature} />}
    </Read>
  );
}

const WHAT_IT_MEANS: Record<string, string> = {
  quiet: "nothing to do",
  drifted: "inputs moved; see whether quality holds",
  degraded: "quality was lost; roll back or retrain",
  broken: "mend the source; retrains are held back",
};

function WindowFacts({
  window,
  feature,
  onFeature,
}: { window: WindowDetail } & Omit<OneWindowProps, "id" | "endpoint">) {
  const features = window.drift?.features ?? [];
  const shown = features.some(({ name }) => name === feature) ? feature : (features[0]?.name ?? "");
  const verdict = window.verdict ?? window.state;
  return (
    <>
      <Stats>
        <Stat label="Verdict" value={verdict} note={WHAT_IT_MEANS[verdict]} tone={toneOf(verdict)} />
        <Stat
          label="Rows"
          value={number(window.rows)}
          note={window.version === null ? "version unknown" : `answered by v${window.version}`}
        />
        <Stat
          label="With ground truth"
          value={percent(window.truths / window.rows)}
          note={`${number(window.truths)} rows`}
        />
        <Stat
          label="Closed"
          value={window.closed_at ? <RelativeTime at={window.closed_at} /> : "not yet"}
          note={<CopyId id={window.id} noun="window" />}
        />
      </Stats>
      <Shape window={window} name={shown} drift={features.find(({ name }) => name === shown)} />
      <Panel title="Features of this window">
        <DataTable
          label="Features"
          name="f"
          rows={features}
          columns={columnsOf(onFeature)}
          rowKey={({ name }) => name}
          tone={({ broken }) => (broken ? "failed" : undefined)}
          empty="Drift was not measured in this window."
        />
      </Panel>
    </>
  );
}

function Shape({ window, name, drift }: { window: WindowDetail; name: string; drift: FeatureDrift | undefined }) {
  const found = window.distributions?.find((one) => one.name === name);
  const drawn = useMemo(() => {
    if (!found) return undefined;
    const { names, reference, window: now } = bars(found);
    return {
      names,
      of: [
        { name: "reference (training)", shares: reference },
        { name: "this window", shares: now },
      ],
    };
  }, [found]);
  return (
    <Panel title={name ? `${name}: reference against this window` : "Distributions"}>
      {drift ? <p>{drift.reason ?? inWords(drift)}</p> : null}
      {drawn ? (
        <Histogram label={`${name}, reference and window`} bins={drawn.names} of={drawn.of} height={220} />
      ) : (
        <p className={styles.quiet}>
          {window.distributions === null
            ? "Distributions were not kept when this window closed; newer windows have them."
            : "There is no distribution of this column: it could not be compared."}
        </p>
      )}
    </Panel>
  );
}

function inWords({ drifted, psi, threshold, q_value: q, n, n_reference: reference }: FeatureDrift): string {
  const facts = `PSI ${number(psi)}, alarm from ${number(threshold)}; q-value ${number(q)} over ${number(n)} rows against ${number(reference)} of training`;
  return `${drifted ? "Drifted: the effect matters and is significant" : "Not drifted"} (${facts}).`;
}

const verdictOf = ({ broken, drifted }: FeatureDrift) => (broken ? "broken" : drifted ? "drifted" : "quiet");

function columnsOf(open: (name: string) => void): Column<FeatureDrift>[] {
  return [
    {
      id: "name",
      header: "Feature",
      value: ({ name }) => name,
      cell: ({ name }) => (
        <LinkButton onClick={() => open(name)} title={`Show the distribution of ${name}`}>
          {name}
        </LinkButton>
      ),
      width: "minmax(130px, 1.5fr)",
    },
    {
      id: "verdict",
      header: "Verdict",
      value: verdictOf,
      cell: (one) => <Tag tone={toneOf(verdictOf(one))}>{verdictOf(one)}</Tag>,
      width: "110px",
    },
    {
      id: "psi",
      header: "Effect (PSI)",
      value: ({ psi }) => psi,
      cell: ({ psi }) => number(psi),
      width: "110px",
      align: "end",
    },
    {
      id: "threshold",
      header: "Threshold",
      value: ({ threshold }) => threshold,
      cell: ({ threshold }) => number(threshold),
      width: "100px",
      align: "end",
      hint: "What the policy says matters, raised where n is too small to tell less",
    },
    {
      id: "q",
      header: "q-value",
      value: ({ q_value: q }) => q,
      cell: ({ q_value: q }) => number(q),
      width: "100px",
      align: "end",
      hint: "Benjamini-Hochberg over the features",
    },
    { id: "n", header: "n", value: ({ n }) => n, cell: ({ n }) => number(n), width: "80px", align: "end" },
    {
      id: "reference",
      header: "n reference",
      value: ({ n_reference: n }) => n,
      cell: ({ n_reference: n }) => number(n),
      width: "110px",
      align: "end",
    },
    {
      id: "nulls",
      header: "Null",
      value: ({ null_share: share }) => share,
      cell: ({ null_share: share }) => percent(share),
      width: "80px",
      align: "end",
    },
    { id: "test", header: "Test", value: ({ test }) => test, width: "80px", optional: true },
    {
      id: "js",
      header: "JS",
      value: ({ js }) => js,
      cell: ({ js }) => number(js),
      width: "90px",
      align: "end",
      optional: true,
    },
    { id: "why", header: "Why broken", value: ({ reason }) => reason, width: "minmax(120px, 1fr)", optional: true },
  ];
}
