/** What the data store holds: from what people see down to what is kept. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../../client/types";
import { DataTable, type Column } from "../../../components/DataTable";
import { Stat, Stats } from "../../../components/Facts";
import { Read } from "../../../components/Read";
import { Meter } from "../../../components/Spark";
import { bytes, compact, percent } from "../../../lib/numbers";
import { plural } from "../../../lib/text";
import { storageQuery } from "../api";

type Row = Schema<"StorageRead">["datasets"][number];

const share = (row: Row) => (row.logical_bytes > 0 ? row.stored_bytes / row.logical_bytes : 0);

const COLUMNS: Column<Row>[] = [
  {
    id: "dataset",
    header: "Dataset",
    value: ({ dataset }) => dataset,
    cell: ({ dataset }) => (
      <Link to="/datasets/$name" params={{ name: dataset }}>
        {dataset}
      </Link>
    ),
    width: "minmax(160px, 2fr)",
  },
  { id: "versions", header: "Versions", value: ({ versions }) => versions, width: "100px", align: "end" },
  {
    id: "logical",
    header: "Files",
    value: (row) => row.logical_bytes,
    cell: (row) => bytes(row.logical_bytes),
    width: "110px",
    align: "end",
  },
  {
    id: "stored",
    header: "Added to the store",
    value: (row) => row.stored_bytes,
    cell: (row) => bytes(row.stored_bytes),
    width: "150px",
    align: "end",
  },
  {
    id: "share",
    header: "Share",
    value: share,
    cell: (row) => <Meter share={share(row)} label={percent(share(row))} />,
    width: "130px",
  },
  {
    id: "unmeasured",
    header: "Not measured",
    value: ({ unmeasured }) => unmeasured,
    width: "120px",
    align: "end",
    optional: true,
  },
];

export function Storage() {
  const query = useQuery(storageQuery);
  return (
    <Read query={query} what="the storage">
      {(held) => (
        <>
          <Stats>
            <Stat
              label="Files of all versions"
              value={bytes(held.logical_bytes)}
              note={plural(held.versions, "version")}
            />
            <Stat
              label="All files, equal ones once"
              value={bytes(held.content_bytes)}
              note={`${plural(held.contents, "file")}, with models and profiles`}
            />
            <Stat label="Equal pieces once" value={bytes(held.chunk_bytes)} note={`${compact(held.chunks)} pieces`} />
            <Stat
              label="Kept, compressed"
              value={bytes(held.stored_bytes)}
              note={
                held.content_bytes > 0
                  ? `${percent(held.stored_bytes / held.content_bytes)} of all files, ${plural(held.packs, "object")}`
                  : plural(held.packs, "object")
              }
            />
          </Stats>
          <DataTable
            name="storage"
            label="Datasets by size"
            rows={held.datasets}
            columns={COLUMNS}
            rowKey={({ dataset }) => dataset}
            empty="Nothing is stored yet."
            initialSort={{ id: "logical", desc: true }}
          />
        </>
      )}
    </Read>
  );
}
