/** Who is signed in. The token itself is only ever in a form field and in the server's httpOnly cookie. */
import { queryOptions, useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { answer, api, isOutage, Problem } from "../../client/http";
import type { Whoami } from "../../client/types";

export interface Session {
  person: Whoami | null;
  /** A session that worked before does not any more. */
  ended: boolean;
}

const KEY = ["session"];
const RETRY_MS = 5_000;

export const sessionQuery = queryOptions({
  queryKey: KEY,
  queryFn: async ({ signal }): Promise<Session> => {
    try {
      return { person: await answer(api.GET("/api/v1/whoami", { signal })), ended: false };
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return { person: null, ended: false };
      throw error;
    }
  },
  staleTime: Infinity,
  refetchInterval: (query) => (isOutage(query.state.error) ? RETRY_MS : false),
});

/** Call when the server answered 401 to anything: shows the login box and forgets what the page had read. */
export function endSession(client: QueryClient): void {
  const session = client.getQueryData<Session>(KEY);
  if (session?.person) signedOut(client, true);
}

function signedOut(client: QueryClient, ended: boolean): void {
  client.setQueryData<Session>(KEY, { person: null, ended });
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
}

export function useLogin() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (token: string) => {
      await answer(api.POST("/api/v1/session", { body: { token } }));
      return answer(api.GET("/api/v1/whoami"));
    },
    onSuccess: (person) => client.setQueryData<Session>(KEY, { person, ended: false }),
  });
}

export function useLogout() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answer(api.DELETE("/api/v1/session")),
    onSuccess: () => signedOut(client, false),
  });
}
