/** The newest recorded answers of an endpoint, each leading to its inputs, its lineage and why. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Button } from "../../../components/Button";
import { DataTable, type Column } from "../../../components/DataTable";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { millis } from "../../../lib/numbers";
import { recentQuery, type RecentPrediction, type RecentPredictionsRead } from "../api";
import { judged, said } from "../truth";
import styles from "./Recent.module.css";

const wrong = ({ prediction, ground_truth: truth }: RecentPrediction) => judged(prediction, truth)?.wrong;

const COLUMNS: Column<RecentPrediction>[] = [
  {
    id: "id",
    header: "Prediction",
    hint: "Its page has the inputs, the lineage, and why it is what it is",
    value: ({ id }) => id,
    cell: ({ id }) => (
      <Link to="/predictions/$id" params={{ id }} title={id}>
        …{id.slice(-8)}
      </Link>
    ),
    width: "120px",
  },
  {
    id: "at",
    header: "Answered",
    value: ({ at }) => at,
    cell: ({ at }) => <RelativeTime at={at} />,
    width: "130px",
  },
  {
    id: "answer",
    header: "Answer",
    value: ({ prediction }) => prediction,
    cell: ({ prediction }) => <span title={said(prediction)}>{said(prediction)}</span>,
    width: "minmax(100px, 1fr)",
  },
  {
    id: "truth",
    header: "Truth",
    value: ({ ground_truth: truth }) => truth,
    cell: ({ prediction, ground_truth: truth }) =>
      truth === null ? "not known yet" : `${said(truth)}, ${judged(prediction, truth)?.words ?? ""}`,
    width: "minmax(140px, 1.5fr)",
  },
  {
    id: "version",
    header: "Version",
    value: ({ version }) => version,
    cell: ({ version }) => `v${version}`,
    width: "90px",
  },
  { id: "mode", header: "Mode", value: ({ mode }) => mode, width: "90px" },
  {
    id: "took",
    header: "Took",
    hint: "Inside the model",
    value: (row) => row.latency_us,
    cell: (row) => millis(row.latency_us / 1000),
    width: "90px",
    align: "end",
  },
];

export function Recent({ endpoint }: { endpoint: string }) {
  const query = useQuery(recentQuery(endpoint));
  const again = (
    <Button busy={query.isFetching} onClick={() => void query.refetch()}>
      Read again
    </Button>
  );
  return (
    <Panel title="Recent predictions">
      <Read query={query} what="the recent predictions">
        {(found) =>
          "kind" in found ? (
            <p role="status">A worker reads them…</p>
          ) : (
            <Answers found={found}>
              {again}
              <span className={styles.asOf}>
                As of <RelativeTime at={found.as_of} />: an answer is written about a second after it was given.
              </span>
            </Answers>
          )
        }
      </Read>
    </Panel>
  );
}

function Answers({ found, children }: { found: RecentPredictionsRead; children: ReactNode }) {
  const { predictions, recording, reason } = found;
  return (
    <>
      {!recording && predictions.length > 0 ? (
        <Notice tone="attention" title="Nothing newer comes in">
          <p>{reason}</p>
        </Notice>
      ) : null}
      <DataTable
        name="recent"
        label="Recent predictions"
        rows={predictions}
        columns={COLUMNS}
        rowKey={({ id }) => id}
        tone={(row) => (wrong(row) ? "failed" : undefined)}
        tools={children}
        empty={reason}
        height="50vh"
      />
    </>
  );
}
