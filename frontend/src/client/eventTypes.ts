/** The kinds of events that there are, and what each means. */
import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "./http";

export const eventTypesQuery = queryOptions({
  queryKey: ["events", "types"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/event-types", { signal })),
  staleTime: Infinity,
});
