/** Who is signed in. The token itself is only ever in a form field and in the server's httpOnly cookie. */
import { queryOptions, useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { answer, api, isOutage, Problem } from "../../client/http";
import type { Whoami } from "../../client/types";

export interface Session {
  person: Whoami | null;
  /** Whose session worked before and does not any more: their page waits, with what was typed into it. */
  ended: Whoami | null;
}

const KEY = ["session"];
const RETRY_MS = 5_000;

export const sessionQuery = queryOptions({
  queryKey: KEY,
  queryFn: async ({ signal, client }): Promise<Session> => {
    try {
      return { person: await answer(api.GET("/api/v1/whoami", { signal })), ended: null };
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        const before = client.getQueryData<Session>(KEY);
        return { person: null, ended: before?.person ?? before?.ended ?? null };
      }
      throw error;
    }
  },
  staleTime: Infinity,
  refetchInterval: (query) => (isOutage(query.state.error) ? RETRY_MS : false),
});

/** Call when the server answered 401 to anything: shows the login box. */
export function endSession(client: QueryClient): void {
  const session = client.getQueryData<Session>(KEY);
  if (session?.person) client.setQueryData<Session>(KEY, { person: null, ended: session.person });
}

/** Forgets what the page had read. */
function forget(client: QueryClient): void {
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
}

/** Whether a page made for the one may be shown to the other as it is. */
export const pageOf = ({ name, role }: Whoami) => `${role} ${name}`;

export function useLogin() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (token: string) => {
      await answer(api.POST("/api/v1/session", { body: { token } }));
      return answer(api.GET("/api/v1/whoami"));
    },
    onSuccess: (person) => {
      const ended = client.getQueryData<Session>(KEY)?.ended;
      if (ended && pageOf(ended) !== pageOf(person)) forget(client);
      client.setQueryData<Session>(KEY, { person, ended: null });
    },
  });
}

export function useLogout() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answer(api.DELETE("/api/v1/session")),
    onSuccess: () => {
      client.setQueryData<Session>(KEY, { person: null, ended: null });
      forget(client);
    },
  });
}
