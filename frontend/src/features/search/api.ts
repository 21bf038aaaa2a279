/** Finding things by name or by the beginning of an id. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { answer, api } from "../../client/http";

export function searchQuery(q: string) {
  return queryOptions({
    queryKey: ["search", q],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/search", { params: { query: { q } }, signal })),
    enabled: q.length > 0,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 30_000,
  });
}
