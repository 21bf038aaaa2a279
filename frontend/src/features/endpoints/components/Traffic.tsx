/** Live traffic: requests, latency and errors over the last hour, by version. */
import { useMemo } from "react";
import { Lines, type Line } from "../../../components/charts/Lines";
import { DataTable, type Column } from "../../../components/DataTable";
import { Notice } from "../../../components/Notice";
import { Columns, Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { millis, number } from "../../../lib/numbers";
import type { TrafficRead } from "../api";
import { NowStats } from "./Answering";

type Point = TrafficRead["together"]["points"][number];
interface ErrorRow {
  key: string;
  version: string;
  code: string;
  status: number;
  count: number;
}

const nameOf = (version: number | null) => (version === null ? "before a version" : `v${version}`);
const pairs = (points: readonly Point[], of: (point: Point) => number | null) =>
  points.map((point) => [point.at, of(point)] as const);

const ERRORS: Column<ErrorRow>[] = [
  { id: "version", header: "Version", value: ({ version }) => version, width: "140px" },
  { id: "code", header: "Error", value: ({ code }) => code, width: "minmax(160px, 1fr)" },
  { id: "status", header: "Status", value: ({ status }) => status, width: "80px" },
  { id: "count", header: "Times", value: ({ count }) => count, width: "90px", align: "end" },
];

export function Traffic({ traffic }: { traffic: TrafficRead }) {
  const { versions, together } = traffic;
  const lines = useMemo(() => {
    const asked = versions.filter(({ total }) => total.requests > 0);
    const by = (of: (point: Point) => number | null): Line[] =>
      asked.map(({ version, points }) => ({ name: nameOf(version), points: pairs(points, of) }));
    return {
      rates: by((point) => point.requests_per_second),
      failed: by((point) => point.failed),
      latency: [
        { name: "p50", points: pairs(together.points, (point) => point.p50_ms) },
        { name: "p95", points: pairs(together.points, (point) => point.p95_ms) },
        { name: "p99", points: pairs(together.points, (point) => point.p99_ms) },
      ] satisfies Line[],
    };
  }, [versions, together]);
  const errors = versions.flatMap(({ version, errors: found }) =>
    found.map((one) => ({ ...one, version: nameOf(version), key: `${version ?? 0} ${one.code}` })),
  );
  return (
    <Stack>
      {traffic.processes === 0 ? (
        <Notice tone="attention" title="No serving process reports now">
          <p>
            Nothing newer is known than{" "}
            {traffic.as_of ? <RelativeTime at={traffic.as_of} /> : "the start: none has ever reported"}. Is serving
            running? <code>millrace doctor</code> says what is wrong.
          </p>
        </Notice>
      ) : null}
      <NowStats traffic={traffic} />
      {together.total.requests === 0 ? (
        <Panel title="Over time" empty="Nobody asked in the last hour. Try it, and it appears here within seconds." />
      ) : (
        <>
          <Columns>
            <Panel title="Requests per second">
              <Lines label="Requests per second by version" x="time" lines={lines.rates} fromZero />
            </Panel>
            <Panel title="Failed requests">
              <Lines label="Failed requests by version" x="time" lines={lines.failed} fromZero format={number} />
            </Panel>
          </Columns>
          <Panel title="Latency">
            <Lines label="Latency percentiles" x="time" lines={lines.latency} fromZero format={millis} />
          </Panel>
        </>
      )}
      <Panel title="Errors of the last hour" count={errors.length} empty={errors.length === 0 && "None."}>
        <DataTable
          name="errors"
          label="Errors"
          rows={errors}
          columns={ERRORS}
          rowKey={({ key }) => key}
          empty="None."
          height="40vh"
        />
      </Panel>
    </Stack>
  );
}
