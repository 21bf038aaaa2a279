/** All endpoints: what answers predictions, and how it is doing. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Page } from "../../components/Page";
import { Read } from "../../components/Read";
import { endpointsQuery } from "../../features/endpoints/api";
import { EndpointsTable } from "../../features/endpoints/components/EndpointsTable";
import { NewEndpoint } from "../../features/endpoints/components/NewEndpoint";

export function EndpointsPage() {
  const query = useInfiniteQuery(endpointsQuery);
  const navigate = useNavigate();
  return (
    <Page
      title="Endpoints"
      about={
        <>
          What answers predictions now. Whole tables at once are <Link to="/batch-predictions">batch predictions</Link>.
        </>
      }
      actions={<NewEndpoint onDone={(name) => void navigate({ to: "/endpoints/$name", params: { name } })} />}
    >
      <Read query={query} what="the endpoints">
        {(rows) => <EndpointsTable endpoints={rows} />}
      </Read>
    </Page>
  );
}
