/** Keeps what the page shows fresh: reads again after events, every few seconds without them, and knows of outages. */
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { isOutage, isProblem } from "../../client/http";
import { isLong } from "../../client/pages";
import { coalesce } from "../../lib/coalesce";
import { onServer } from "../../lib/time";
import type { StreamState } from "../../lib/eventStream";
import { useEvents } from "./api";

const SETTLE_MS = 250;
/** With events only for facts that age silently; without them for everything. */
const LIVE_MS = 60_000;
const POLL_MS = 5_000;

export interface Outage {
  error: Error;
  /** When what is shown was read. */
  readAt: string;
}

/** Queries whose facts never change (a version's profile) opt out by `staleTime: Infinity`. */
function readAgain(client: QueryClient): Promise<void> {
  // Without cancelRefetch: false a steady stream of events would cancel every read before it ends.
  return client.refetchQueries(
    {
      type: "active",
      predicate: ({ queryKey, observers, state }) =>
        queryKey[0] !== "session" && !observers.some(isFixed) && !isRecent(state),
    },
    { cancelRefetch: false },
  );
}

/** A list that one has scrolled far into is many reads: no more than once in a while. */
function isRecent({ data, dataUpdatedAt }: { data: unknown; dataUpdatedAt: number }): boolean {
  return isLong(data) && Date.now() - dataUpdatedAt < LIVE_MS;
}

function isFixed({ options }: { options: { staleTime?: unknown } }): boolean {
  return options.staleTime === Infinity;
}

export function useFreshness(): { stream: StreamState; outage: Outage | undefined; retry: () => void } {
  const client = useQueryClient();
  const [refresh] = useState(() => coalesce(() => readAgain(client), SETTLE_MS));
  const stream = useEvents(refresh);
  useEffect(() => {
    const timer = setInterval(refresh, stream === "live" ? LIVE_MS : POLL_MS);
    return () => clearInterval(timer);
  }, [stream, refresh]);
  return { stream, outage: useOutage(client), retry: refresh };
}

/** MLflow behind the server may be away alone: whatever asked for its figures says so in its place. */
function isOurs(error: unknown): boolean {
  return isOutage(error) && !isProblem(error, "tracking_away");
}

function useOutage(client: QueryClient): Outage | undefined {
  const cache = client.getQueryCache();
  // Where nothing was read yet, the page itself says why.
  const find = () =>
    cache
      .getAll()
      .find(({ state, observers }) => observers.length > 0 && state.dataUpdatedAt > 0 && isOurs(state.error));
  const query = useSyncExternalStore(
    (changed) => cache.subscribe(changed),
    () => find(),
  );
  if (!query?.state.error) return undefined;
  const { error, dataUpdatedAt } = query.state;
  return { error, readAt: onServer(dataUpdatedAt) };
}
