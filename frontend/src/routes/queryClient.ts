/** The cache of what the server said, with the rules that hold for every read. */
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { Problem } from "../client/http";
import { endSession } from "../features/session/api";

export function createQueryClient(): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof Problem && error.status === 401) endSession(client);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // The server is often on this very machine: what the browser thinks of the network does not matter.
      queries: { networkMode: "always", retry: false, staleTime: 1_000 },
      mutations: { networkMode: "always" },
    },
  });
  return client;
}
