/** Lists that the server gives in pages with a cursor, read one after the other as the table is scrolled. */
import { infiniteQueryOptions } from "@tanstack/react-query";

interface Page<Row> {
  items: Row[];
  next_cursor: string | null;
}

/** Options for `useInfiniteQuery`; `data` is all rows read so far. */
export function pagesQuery<Row>(
  key: readonly unknown[],
  read: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Row>>,
) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    select: ({ pages }) => pages.flatMap((page) => page.items),
  });
}
