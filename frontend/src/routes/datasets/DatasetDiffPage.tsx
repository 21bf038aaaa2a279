/** `/datasets/$name/diff?from=&to=`: two versions of a dataset beside each other. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Page } from "../../components/Page";
import { Read } from "../../components/Read";
import { versionsQuery } from "../../features/datasets/api";
import { Comparison } from "../../features/datasets/components/Comparison";

export function DatasetDiffPage() {
  const { name } = useParams({ from: "/datasets/$name/diff" });
  const query = useInfiniteQuery(versionsQuery(name));
  return (
    <Page
      title={`Compare versions of ${name}`}
      crumbs={[
        { label: "Datasets", to: "/datasets" },
        { label: name, to: `/datasets/${name}` },
      ]}
    >
      <Read query={query} what="the versions" instead={{ label: "All datasets", to: "/datasets" }}>
        {(versions) => <Comparison versions={versions} />}
      </Read>
    </Page>
  );
}
