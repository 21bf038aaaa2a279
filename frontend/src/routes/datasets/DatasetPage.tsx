/** `/datasets/$name`: its versions, what they must pass, how it is built, how others use it. */
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useForbidden } from "../../client/access";
import { Notice } from "../../components/Notice";
import { Page, Stack } from "../../components/Page";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { Tabs } from "../../components/Tabs";
import { SuiteEditor } from "../../features/data_checks/components/SuiteEditor";
import { datasetQuery, versionsQuery, type Dataset } from "../../features/datasets/api";
import { Archive, Describe } from "../../features/datasets/components/About";
import { Comparison } from "../../features/datasets/components/Comparison";
import { DvcPanel } from "../../features/datasets/components/DvcPanel";
import { LineagePanel } from "../../features/datasets/components/LineagePanel";
import { RecentVersions } from "../../features/datasets/components/RecentVersions";
import { RecipeTab } from "../../features/datasets/components/RecipeTab";
import { UploadForm } from "../../features/datasets/components/UploadForm";
import { UploadList } from "../../features/datasets/components/UploadList";
import { VersionJobs } from "../../features/datasets/components/VersionJobs";
import { uploadsOf } from "../../features/datasets/upload";
import { plural } from "../../lib/text";

function Uploading({ dataset }: { dataset: Dataset }) {
  const client = useQueryClient();
  const forbidden = useForbidden("write");
  const uploads = uploadsOf(dataset.name, () => void client.invalidateQueries());
  return (
    <>
      {dataset.archived_at || forbidden ? null : (
        <UploadForm onSend={(groups, message) => uploads.add(groups, message)} />
      )}
      <UploadList uploads={uploads} />
    </>
  );
}

function Parts({ dataset }: { dataset: Dataset }) {
  const { name } = dataset;
  const { data: versions = [] } = useInfiniteQuery(versionsQuery(name));
  const checked = versions.find(({ state, rows }) => state !== "registered" && rows !== null);
  const [newest] = versions;
  return (
    <Tabs
      label="Parts of the dataset"
      parts={[
        {
          id: "versions",
          label: "Versions",
          count: dataset.versions,
          show: () => (
            <Stack>
              <Uploading dataset={dataset} />
              <VersionJobs subject={`datasets/${name}`} />
              <RecentVersions name={name} />
            </Stack>
          ),
        },
        { id: "suite", label: "Check suite", show: () => <SuiteEditor name={name} newest={checked?.number} /> },
        { id: "recipe", label: "Recipe", show: () => <RecipeTab name={name} /> },
        {
          id: "lineage",
          label: "Lineage",
          show: () =>
            newest ? (
              <Stack>
                <p>Of the newest version, {newest.number}.</p>
                <LineagePanel version={newest} />
              </Stack>
            ) : (
              <p>It appears with the first version.</p>
            ),
        },
        {
          id: "compare",
          label: "Compare",
          show: () => (
            <Stack>
              <Comparison versions={versions} />
            </Stack>
          ),
        },
        {
          id: "dvc",
          label: "Use with DVC",
          show: () => (
            <Stack>
              <DvcPanel name={name} newest={newest?.number} />
            </Stack>
          ),
        },
      ]}
    />
  );
}

export function DatasetPage() {
  const { name } = useParams({ from: "/datasets/$name" });
  const query = useQuery(datasetQuery(name));
  const dataset = query.data;
  return (
    <Page
      title={name}
      crumbs={[{ label: "Datasets", to: "/datasets" }]}
      about={
        dataset ? (
          <>
            {dataset.description ? <p>{dataset.description}</p> : null}
            <p>
              {plural(dataset.versions, "version")}, made <RelativeTime at={dataset.created_at} /> by{" "}
              {dataset.created_by}
            </p>
          </>
        ) : null
      }
      actions={
        dataset ? (
          <>
            <Describe dataset={dataset} />
            <Archive dataset={dataset} />
          </>
        ) : null
      }
    >
      <Read query={query} what="the dataset" instead={{ label: "All datasets", to: "/datasets" }}>
        {(read) => (
          <>
            {read.archived_at ? (
              <Notice tone="attention" title="This dataset is archived">
                <p>It takes no new versions. Those it has can still be read, compared and trained on.</p>
              </Notice>
            ) : null}
            <Parts dataset={read} />
          </>
        )}
      </Read>
    </Page>
  );
}
