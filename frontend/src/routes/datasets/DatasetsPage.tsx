/** `/datasets`: all of them, and the way to the first. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Checkbox } from "../../components/Fields";
import { Page } from "../../components/Page";
import { Read } from "../../components/Read";
import { datasetsQuery } from "../../features/datasets/api";
import { CreateDataset } from "../../features/datasets/components/CreateDataset";
import { DatasetTable } from "../../features/datasets/components/DatasetTable";
import { FirstUpload } from "../../features/datasets/components/DvcPanel";
import { UploadAnywhere } from "../../features/datasets/components/UploadAnywhere";
import { useUrlState } from "../../lib/urlState";

export function DatasetsPage() {
  const navigate = useNavigate();
  const [archived, setArchived] = useUrlState("archived");
  const query = useInfiniteQuery(datasetsQuery(archived === "yes"));
  const open = (name: string) => void navigate({ to: "/datasets/$name", params: { name } });
  return (
    <Page
      title="Datasets"
      about="Every version of every table and folder: what is in it, whether it passed its checks, what it was made from."
      actions={
        <>
          <CreateDataset onDone={open} />
          <UploadAnywhere datasets={query.data ?? []} onBegun={open} />
        </>
      }
    >
      <Read query={query} what="the datasets">
        {(datasets) => (
          <DatasetTable
            datasets={datasets}
            empty={archived ? "No dataset is archived." : <FirstUpload />}
            tools={
              <Checkbox
                label="Archived ones"
                checked={archived === "yes"}
                onChange={(on) => setArchived(on ? "yes" : undefined)}
              />
            }
            onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
          />
        )}
      </Read>
    </Page>
  );
}
