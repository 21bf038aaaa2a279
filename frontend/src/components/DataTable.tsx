/**
 * The one table: virtual rows, sorting, a filter over all that is shown, choice of columns. What is chosen is in the URL.
 * Sorting and filtering concern the rows that are loaded; a list that goes on says so at its end.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  memo,
  useDeferredValue,
  useEffect,
  useMemo,
  useRef,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
} from "react";
import { classes } from "../lib/classes";
import { finder, ordered, type Value } from "../lib/order";
import { plural } from "../lib/text";
import { useUrlState } from "../lib/urlState";
import { ColumnChoice } from "./ColumnChoice";
import styles from "./DataTable.module.css";

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

const ROW_PX = 40;
const SMALL = 12;
/** With more columns than these, only those in sight are drawn, each as wide as it has to be. */
const MANY = 30;
const TRACK = "minmax(100px, 1fr)";
/** Rows that Page Up and Page Down go. */
const PAGE = 10;

function shown(value: Value): ReactNode {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { label, rows, columns, rowKey, empty, tone, name = "", initialSort, tools, onMore, height = "70vh" } = props;
  const [filter, setFilter] = useUrlState(`${name}q`);
  const [sort, setSort] = useUrlState(
    `${name}sort`,
    initialSort ? `${initialSort.desc ? "-" : ""}${initialSort.id}` : "",
  );
  const [chosen, setChosen] = useUrlState(`${name}cols`);
  const scroller = useRef<HTMLDivElement>(null);
  /** The row to be focused once it is drawn. */
  const sought = useRef<number>(undefined);

  const visible = useMemo(() => {
    const wanted = chosen ? new Set(chosen.split(",")) : undefined;
    return Object.fromEntries(columns.map(({ id, optional }) => [id, wanted ? wanted.has(id) : !optional]));
  }, [columns, chosen]);
  const find = useMemo(() => finder(columns.map(({ value }) => value)), [columns]);
  const text = useDeferredValue(filter);
  const matching = useMemo(() => find(rows, text), [find, rows, text]);
  const order = useDeferredValue(sort);
  const by = columns.find(({ id }) => id === order.replace(/^-/, ""))?.value;
  const found = useMemo(() => (by ? ordered(matching, by, order.startsWith("-")) : matching), [matching, by, order]);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is compiled
  const virtualizer = useVirtualizer({
    count: found.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => (found[index] ? rowKey(found[index]) : index),
    overscan: 6,
    // Without a measured screen (tests, printing) the first rows are there all the same.
    initialRect: { width: 1000, height: 800 },
    onChange: (instance) => {
      const last = instance.getVirtualItems().at(-1);
      if (onMore && last && last.index >= found.length - 20) onMore();
    },
  });
  const chosenColumns = useMemo(() => columns.filter(({ id }) => visible[id]), [columns, visible]);
  const { template, drawn } = useDrawn(chosenColumns, scroller);
  const items = virtualizer.getVirtualItems();

  // A row far away is drawn only some frames after one has gone there.
  const focusSought = () => {
    const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${sought.current ?? ""}"]`);
    if (!row) return;
    sought.current = undefined;
    row.focus({ preventScroll: true });
  };
  useEffect(focusSought);

  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity };
    const step = steps[event.key as keyof typeof steps];
    const current = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
    if (!step || !current) return;
    event.preventDefault();
    const next = Math.min(Math.max(Number(current.dataset.index) + step, 0), found.length - 1);
    virtualizer.scrollToIndex(next);
    sought.current = next;
    focusSought();
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
          aria-colcount={chosenColumns.length}
          data-wide={chosenColumns.length > MANY}
          className={styles.table}
          style={{ gridTemplateColumns: template }}
          onKeyDown={move}
        >
          <div role="rowgroup" className={styles.head}>
            <div role="row" aria-rowindex={1} className={styles.row} style={{ gridTemplateColumns: template }}>
              {drawn.map(({ at, column: { id, header, hint, align } }) => {
                const direction = sort === id ? "ascending" : sort === `-${id}` ? "descending" : "none";
                return (
                  <div
                    key={id}
                    role="columnheader"
                    aria-sort={direction}
                    aria-colindex={at + 1}
                    className={classes(align && styles.end)}
                    style={{ gridColumn: at + 1 }}
                  >
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
            {items.map(({ index, start, key }) => {
              const row = found[index];
              return row ? (
                <DrawnRow
                  key={key}
                  row={row}
                  index={index}
                  start={start}
                  template={template}
                  drawn={drawn}
                  tone={tone?.(row)}
                  first={index === items[0]?.index}
                />
              ) : null;
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

interface DrawnColumn<T> {
  /** Its place among the chosen ones. */
  at: number;
  column: Column<T>;
}

interface DrawnRowProps<T> {
  row: T;
  index: number;
  start: number;
  template: string;
  drawn: readonly DrawnColumn<T>[];
  tone: string | undefined;
  /** By Tab one comes to the first row that is drawn, and goes on by the arrows. */
  first: boolean;
}

/** Remembered, since scrolling, ordering and filtering change which rows are drawn, and not how. */
const DrawnRow = memo(function DrawnRow<T>({ row, index, start, template, drawn, tone, first }: DrawnRowProps<T>) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-tone={tone}
      tabIndex={first ? 0 : -1}
      className={styles.row}
      style={{ gridTemplateColumns: template, transform: `translateY(${start}px)`, height: ROW_PX }}
    >
      {drawn.map(({ at, column: { id, cell, value, align } }) => (
        <div
          key={id}
          role="cell"
          aria-colindex={at + 1}
          className={classes(styles.cell, align && styles.end)}
          style={{ gridColumn: at + 1 }}
        >
          {cell ? cell(row) : shown(value(row))}
        </div>
      ))}
    </div>
  );
}) as <T>(props: DrawnRowProps<T>) => ReactNode;

/** The least width of a track: 160 of "minmax(160px, 2fr)". */
const leastPx = ({ width }: Column<never>) => Number(/\d+/.exec(width ?? "")?.[0] ?? 100);

/** The columns that are in sight, where there are many; the first one always, beside which one reads the others. */
function useDrawn<T>(columns: readonly Column<T>[], scroller: RefObject<HTMLDivElement | null>) {
  const many = columns.length > MANY;
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is compiled
  const virtualizer = useVirtualizer({
    horizontal: true,
    enabled: many,
    count: columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => leastPx(columns[index] as Column<never>),
    overscan: 4,
    initialRect: { width: 1000, height: 800 },
  });
  const template = useMemo(
    () => columns.map((column) => (many ? `${leastPx(column)}px` : (column.width ?? TRACK))).join(" "),
    [columns, many],
  );
  const range = many ? virtualizer.getVirtualItems() : undefined;
  const [from, to] = [range?.at(0)?.index ?? 0, range?.at(-1)?.index ?? columns.length - 1];
  const drawn = useMemo(
    () =>
      columns
        .map((column, at): DrawnColumn<T> => ({ at, column }))
        .filter(({ at }) => at === 0 || (at >= from && at <= to)),
    [columns, from, to],
  );
  return { template, drawn };
}
