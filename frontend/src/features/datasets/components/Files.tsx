/** The files of a version, each to be downloaded. */
import { useQuery } from "@tanstack/react-query";
import { CopyId } from "../../../components/Copy";
import { DataTable, type Column } from "../../../components/DataTable";
import { Read } from "../../../components/Read";
import { bytes } from "../../../lib/numbers";
import { contentHref, filesQuery, type StoredFile, type Version } from "../api";

function columns({ dataset, number }: Version): Column<StoredFile>[] {
  return [
    {
      id: "path",
      header: "File",
      value: ({ path }) => path,
      cell: ({ path }) => (
        <a href={contentHref(dataset, number, path)} download title={path}>
          {path}
        </a>
      ),
      width: "minmax(200px, 3fr)",
    },
    {
      id: "size",
      header: "Size",
      value: ({ size }) => size,
      cell: ({ size }) => bytes(size),
      align: "end",
      width: "110px",
    },
    {
      id: "md5",
      header: "MD5",
      value: ({ md5 }) => md5,
      cell: ({ md5 }) => <CopyId id={md5} noun="content" />,
      width: "120px",
    },
  ];
}

export function Files({ version }: { version: Version }) {
  const query = useQuery(filesQuery(version.dataset, version.number));
  return (
    <Read query={query} what="the files">
      {({ items }) => (
        <DataTable
          label="Files"
          name="f"
          rows={items}
          columns={columns(version)}
          rowKey={({ path }) => path}
          empty="The version has no files."
        />
      )}
    </Read>
  );
}
