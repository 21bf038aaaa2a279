/** The overview: one answer that holds all that the first page shows. */
import { queryOptions } from "@tanstack/react-query";
import { answer, api, isOutage } from "../../client/http";

/** Without events, or after a failure, the page asks every few seconds; with them only for facts that age silently. */
const POLL_MS = 5_000;
const LIVE_POLL_MS = 60_000;

export function overviewQuery({ live }: { live: boolean }) {
  return queryOptions({
    queryKey: ["overview"],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/overview", { signal })),
    refetchInterval: (query) => {
      if (query.state.error) return isOutage(query.state.error) ? POLL_MS : false;
      return live ? LIVE_POLL_MS : POLL_MS;
    },
  });
}
