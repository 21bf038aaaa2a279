/** Lists that the server gives in pages with a cursor, read one after the other as the table is scrolled. */
import { infiniteQueryOptions, replaceEqualDeep } from "@tanstack/react-query";

interface Page<Row> {
  items: Row[];
  next_cursor: string | null;
}

const MANY_ROWS = 1_000;

/** Whether so much of a list was read that reading it again, and comparing it with what is there, takes long. */
export function isLong(data: unknown): boolean {
  // What `select` makes of the pages.
  if (Array.isArray(data)) return data.length > MANY_ROWS;
  const { pages = [] } = (data ?? {}) as { pages?: { items?: unknown[] }[] };
  return pages.reduce((count, { items }) => count + (items?.length ?? 0), 0) > MANY_ROWS;
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
    structuralSharing: (before, now) => (isLong(now) ? now : replaceEqualDeep(before, now)),
    select: ({ pages }) => pages.flatMap((page) => page.items),
  });
}
