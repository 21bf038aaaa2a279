/** The overview: one answer that holds all that the first page shows. */
import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "../../client/http";

export const overviewQuery = queryOptions({
  queryKey: ["overview"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/overview", { signal })),
});
