/**
 * The one table: virtual rows, sorting, a filter over all that is shown, choice of columns. What is chosen is in the URL.
 * Sorting and filtering concern the rows that are loaded; a list that goes on says so at its end.
 */
import {
  columnFilteringFeature,
  columnVisibilityFeature,
  createFilteredRowModel,
  createSortedRowModel,
  globalFilteringFeature,
  rowSortingFeature,
  sortFn_alphanumeric,
  tableFeatures,
  useTable,
  type ColumnDef,
  type Row,
  type RowData,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useDeferredValue, useMemo, useRef, type KeyboardEvent, type ReactNode } from "react";
import { useUrlState } from "../lib/urlState";
import { ColumnChoice } from "./ColumnChoice";
import { classes } from "../lib/classes";
import { plural } from "../lib/text";
import styles from "./DataTable.module.css";

export type Value = string | number | boolean | null | undefined;

export interface Column<T> {
  id: string;
  header: string;
  /** What is sorted and filtered by; shown as it is unless `cell` says otherwise. */
  value: (row: T) => Value;
  cell?: (row: T) => ReactNode;
  /** CSS grid track, as "120px" or "minmax(160px, 2fr)". */
  width?: string;
  align?: "end";
  /** Left out until chosen. */
  optional?: boolean;
  /** Explains the header on hover. */
  hint?: string;
}

interface DataTableProps<T> {
  /** Distinguishes the tables of a page in the URL and for screen readers. */
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  /** What to say when there are no rows at all. */
  empty: ReactNode;
  /** Marks a row by a tone, as a failed run. */
  tone?: (row: T) => string | undefined;
  /** Prefix of the URL's names; needed when a page has several tables. */
  name?: string;
  initialSort?: { id: string; desc: boolean };
  /** At the left of the filter: buttons and selects. */
  tools?: ReactNode;
  /** Called near the end of the loaded rows, when there are more on the server. */
  onMore?: (() => void) | undefined;
  /** Height of the scrolling part at most, in CSS. */
  height?: string;
}

const features = tableFeatures({
  columnFilteringFeature,
  globalFilteringFeature,
  filteredRowModel: createFilteredRowModel(),
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric },
  columnVisibilityFeature,
});

const ROW_PX = 40;
const SMALL = 12;

/** Numbers by size, NaN and nothing always last, everything else as people order names. */
function compare<T extends RowData>(a: Row<typeof features, T>, b: Row<typeof features, T>, id: string): number {
  const [x, y] = [a.getValue<Value>(id), b.getValue<Value>(id)];
  if (typeof x === "number" && typeof y === "number") return x - y;
  return String(x).localeCompare(String(y), "en", { numeric: true });
}

function shown(value: Value): ReactNode {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

export function DataTable<T extends RowData>(props: DataTableProps<T>) {
  const { label, rows, columns, rowKey, empty, tone, name = "", initialSort, tools, onMore, height = "70vh" } = props;
  const [filter, setFilter] = useUrlState(`${name}q`);
  const [sort, setSort] = useUrlState(
    `${name}sort`,
    initialSort ? `${initialSort.desc ? "-" : ""}${initialSort.id}` : "",
  );
  const [chosen, setChosen] = useUrlState(`${name}cols`);
  const scroller = useRef<HTMLDivElement>(null);

  const visible = useMemo(() => {
    const wanted = chosen ? new Set(chosen.split(",")) : undefined;
    return Object.fromEntries(columns.map(({ id, optional }) => [id, wanted ? wanted.has(id) : !optional]));
  }, [columns, chosen]);
  const definitions = useMemo(
    () =>
      columns.map((column): ColumnDef<typeof features, T> => ({
        id: column.id,
        // NaN sorts and filters as nothing; the cell still shows it.
        accessorFn: (row) => {
          const value = column.value(row);
          return value === null || (typeof value === "number" && Number.isNaN(value)) ? undefined : value;
        },
        sortFn: compare,
        sortUndefined: "last",
      })),
    [columns],
  );
  const sorting = useMemo(() => (sort ? [{ id: sort.replace(/^-/, ""), desc: sort.startsWith("-") }] : []), [sort]);
  const globalFilter = useDeferredValue(filter);
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowKey,
    state: { sorting, globalFilter, columnVisibility: visible },
    globalFilterFn: (row, id, text: string) =>
      String(row.getValue<Value>(id) ?? "")
        .toLowerCase()
        .includes(text.toLowerCase()),
    getColumnCanGlobalFilter: () => true,
  });
  const found = table.getRowModel().rows;
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is compiled
  const virtualizer = useVirtualizer({
    count: found.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => found[index]?.id ?? index,
    overscan: 12,
    // Without a measured screen (tests, printing) the first rows are there all the same.
    initialRect: { width: 1000, height: 800 },
    onChange: (instance) => {
      const last = instance.getVirtualItems().at(-1);
      if (onMore && last && last.index >= found.length - 20) onMore();
    },
  });
  const byId = new Map(columns.map((column) => [column.id, column]));
  const shownColumns = columns.filter(({ id }) => visible[id]);
  const template = shownColumns.map(({ width }) => width ?? "minmax(100px, 1fr)").join(" ");
  const items = virtualizer.getVirtualItems();

  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const current = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
    if (!step || !current) return;
    event.preventDefault();
    const next = Number(current.dataset.index) + step;
    if (next < 0 || next >= found.length) return;
    virtualizer.scrollToIndex(next);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus());
  };
  const toggleSort = (id: string) => setSort(sort === id ? `-${id}` : sort === `-${id}` ? "" : id);

  if (rows.length === 0) {
    return (
      <div className={styles.frame}>
        {tools ? <div className={styles.tools}>{tools}</div> : null}
        <div className={styles.empty}>{empty}</div>
      </div>
    );
  }
  return (
    <div className={styles.frame}>
      <div className={styles.tools}>
        {tools}
        <span className={styles.space} />
        {rows.length > SMALL || filter ? (
          <input
            type="search"
            className={styles.filter}
            placeholder="Filter"
            aria-label={`Filter ${label}`}
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
        ) : null}
        {rows.length > SMALL || columns.some(({ optional }) => optional) ? (
          <ColumnChoice columns={columns} visible={visible} onChange={setChosen} />
        ) : null}
      </div>
      <div ref={scroller} className={styles.scroller} style={{ maxHeight: height }}>
        <div
          role="table"
          aria-label={label}
          aria-rowcount={found.length + 1}
          className={styles.table}
          style={{ gridTemplateColumns: template }}
          onKeyDown={move}
        >
          <div role="rowgroup" className={styles.head}>
            <div role="row" aria-rowindex={1} className={styles.row} style={{ gridTemplateColumns: template }}>
              {shownColumns.map(({ id, header, hint, align }) => {
                const direction = sort === id ? "ascending" : sort === `-${id}` ? "descending" : "none";
                return (
                  <div key={id} role="columnheader" aria-sort={direction} className={classes(align && styles.end)}>
                    <button type="button" title={hint ?? header} onClick={() => toggleSort(id)}>
                      {header}
                      <span aria-hidden="true">{{ ascending: " ↑", descending: " ↓", none: "" }[direction]}</span>
                    </button>
                  </div>
                );
              })}
            </div>
          </div>
          <div role="rowgroup" className={styles.body} style={{ height: virtualizer.getTotalSize() }}>
            {items.map(({ index, start }) => {
              const row = found[index];
              if (!row) return null;
              return (
                <div
                  key={row.id}
                  role="row"
                  aria-rowindex={index + 2}
                  data-index={index}
                  data-tone={tone?.(row.original)}
                  tabIndex={index === 0 ? 0 : -1}
                  className={styles.row}
                  style={{ gridTemplateColumns: template, transform: `translateY(${start}px)`, height: ROW_PX }}
                >
                  {row.getVisibleCells().map(({ id, column }) => {
                    const { cell, value, align } = byId.get(column.id) ?? { value: () => undefined };
                    return (
                      <div key={id} role="cell" className={classes(styles.cell, align && styles.end)}>
                        {cell ? cell(row.original) : shown(value(row.original))}
                      </div>
                    );
                  })}
                </div>
              );
            })}
          </div>
        </div>
      </div>
      <p className={styles.foot}>
        {found.length === rows.length ? plural(rows.length, "row") : `${found.length} of ${plural(rows.length, "row")}`}
        {onMore ? ", more on the server: scroll on to read them" : ""}
      </p>
    </div>
  );
}
