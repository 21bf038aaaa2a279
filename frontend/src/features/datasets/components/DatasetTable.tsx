/** All datasets with what their newest version is. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { DataTable, type Column } from "../../../components/DataTable";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { bytes, number } from "../../../lib/numbers";
import { provenance } from "../provenance";
import type { Listed } from "../api";

const COLUMNS: Column<Listed>[] = [
  {
    id: "name",
    header: "Dataset",
    value: ({ name }) => name,
    cell: ({ name }) => (
      <Link to="/datasets/$name" params={{ name }} title={name}>
        {name}
      </Link>
    ),
    width: "minmax(150px, 1.6fr)",
  },
  {
    id: "newest",
    header: "Newest",
    value: ({ newest }) => newest?.number,
    cell: ({ name, newest }) =>
      newest ? (
        <Link to="/datasets/$name/versions/$number" params={{ name, number: String(newest.number) }}>
          v{newest.number}
        </Link>
      ) : (
        "–"
      ),
    width: "80px",
  },
  {
    id: "state",
    header: "State",
    value: ({ newest }) => newest?.state ?? "no version",
    cell: ({ newest }) => (newest ? <State of={newest.state} /> : "no version"),
    width: "120px",
  },
  {
    id: "rows",
    header: "Rows",
    value: ({ newest }) => newest?.rows,
    cell: ({ newest }) => number(newest?.rows),
    align: "end",
    width: "100px",
  },
  {
    id: "size",
    header: "Size",
    value: ({ newest }) => newest?.size,
    cell: ({ newest }) => bytes(newest?.size),
    align: "end",
    width: "100px",
  },
  {
    id: "stored",
    header: "Stored",
    hint: "What the version adds to the store: parts that other versions have too are kept once",
    value: ({ newest }) => newest?.stored_size,
    cell: ({ newest }) => bytes(newest?.stored_size),
    align: "end",
    width: "100px",
  },
  {
    id: "source",
    header: "Source",
    value: ({ newest }) => (newest ? provenance(newest.source) : undefined),
    cell: ({ newest }) => (newest ? <span title={provenance(newest.source)}>{provenance(newest.source)}</span> : "–"),
    width: "minmax(160px, 2fr)",
  },
  {
    id: "changed",
    header: "Last change",
    value: (dataset) => dataset.newest?.created_at ?? dataset.created_at,
    cell: (dataset) => <RelativeTime at={dataset.newest?.created_at ?? dataset.created_at} />,
    width: "120px",
  },
  {
    id: "description",
    header: "Description",
    value: ({ description }) => description,
    width: "minmax(160px, 2fr)",
    optional: true,
  },
  { id: "author", header: "Made by", value: ({ created_by }) => created_by, width: "120px", optional: true },
];

interface DatasetTableProps {
  datasets: readonly Listed[];
  empty: ReactNode;
  tools?: ReactNode;
  onMore?: (() => void) | undefined;
}

export function DatasetTable({ datasets, empty, tools, onMore }: DatasetTableProps) {
  return (
    <DataTable
      label="Datasets"
      rows={datasets}
      // A column that no row has anything in says nothing.
      columns={COLUMNS.filter(
        ({ id }) => id !== "stored" || datasets.some(({ newest }) => newest?.stored_size != null),
      )}
      rowKey={({ name }) => name}
      tone={({ newest }) => (newest?.state === "rejected" ? "failed" : undefined)}
      empty={empty}
      tools={tools}
      onMore={onMore}
    />
  );
}
