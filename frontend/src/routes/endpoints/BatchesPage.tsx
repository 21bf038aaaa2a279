/** Batch predictions: whole data versions scored at once. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Page } from "../../components/Page";
import { Read } from "../../components/Read";
import { batchesQuery } from "../../features/batch_predictions/api";
import { BatchesTable } from "../../features/batch_predictions/components/BatchesTable";
import { NewBatch } from "../../features/batch_predictions/components/NewBatch";

export function BatchesPage() {
  const query = useInfiniteQuery(batchesQuery);
  return (
    <Page
      title="Batch predictions"
      crumbs={[{ label: "Endpoints", to: "/endpoints" }]}
      about="Every row of a data version scored by one model version, into a version of another dataset."
      actions={<NewBatch />}
    >
      <Read query={query} what="the batches">
        {(rows) => (
          <BatchesTable batches={rows} onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined} />
        )}
      </Read>
    </Page>
  );
}
