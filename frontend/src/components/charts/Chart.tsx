/**
 * A chart: the picture, and the same facts as a table for those who cannot see it or want the numbers.
 * Ready-made kinds are beside this file; use this one when none fits.
 */
import type { EChartsCoreOption } from "echarts/core";
import { Suspense, useMemo, useState, type ReactNode } from "react";
import { later } from "../../lib/later";
import { usePalette, type Palette } from "./palette";
import styles from "./Chart.module.css";

const Canvas = later(() => import("./Canvas"));

export interface ChartFacts {
  columns: readonly string[];
  rows: readonly (readonly ReactNode[])[];
}

interface ChartProps {
  /** What the picture shows, in words: read aloud in its place. */
  label: string;
  /** Pure in the palette and in what it closes over; keep it stable with useCallback. */
  option: (palette: Palette) => EChartsCoreOption;
  facts: () => ChartFacts;
  height?: number;
  /** Scrolled sideways where there is less room, in pixels. */
  minWidth?: number;
  onPick?: (dataIndex: number, seriesName: string) => void;
}

/** What all charts share: type, grid, quiet axes, and tooltips drawn on the canvas (so that no name is ever HTML). */
function base(palette: Palette): EChartsCoreOption {
  return {
    animation: false,
    color: [...palette.series],
    textStyle: { color: palette.muted, fontFamily: "system-ui, sans-serif", fontSize: 12 },
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    tooltip: {
      renderMode: "richText",
      confine: true,
      backgroundColor: palette.surface,
      borderColor: palette.line,
      textStyle: { color: palette.text, fontSize: 12 },
    },
    legend: {
      textStyle: { color: palette.muted },
      type: "scroll",
      top: 0,
      icon: "roundRect",
      itemWidth: 12,
      itemHeight: 8,
    },
  };
}

/** An axis as every chart draws it; `extra` adds the type, the data, the name. */
export function axis(palette: Palette, extra: Record<string, unknown>): Record<string, unknown> {
  return {
    axisLine: { lineStyle: { color: palette.line } },
    axisTick: { show: false },
    axisLabel: { color: palette.muted, hideOverlap: true, width: 140, overflow: "truncate" },
    splitLine: { lineStyle: { color: palette.line, opacity: 0.6 } },
    nameTextStyle: { color: palette.muted },
    ...extra,
  };
}

export function Chart({ label, option, facts, height = 220, minWidth = 0, onPick }: ChartProps) {
  const palette = usePalette();
  const [asTable, setAsTable] = useState(false);
  const drawn = useMemo(() => {
    const own = option(palette);
    const shared = base(palette);
    const merge = (name: string) => (own[name] && shared[name] ? { [name]: { ...shared[name], ...own[name] } } : {});
    const { legend, ...rest } = shared;
    // A legend appears only where a chart asks for one.
    const words = own.legend ? { legend: { ...(legend as object), ...own.legend } } : {};
    return { ...rest, ...own, ...merge("grid"), ...merge("tooltip"), ...words };
  }, [option, palette]);
  return (
    <figure className={styles.chart}>
      {asTable ? (
        <FactsTable facts={facts()} label={label} height={height} />
      ) : (
        <div className={styles.across} {...(minWidth > 0 ? { tabIndex: 0 } : {})}>
          <div role="img" aria-label={label} style={{ minWidth }}>
            <Suspense fallback={<div style={{ height }} />}>
              <Canvas option={drawn} height={height} onPick={onPick} />
            </Suspense>
          </div>
        </div>
      )}
      <button type="button" className={styles.switch} onClick={() => setAsTable(!asTable)}>
        {asTable ? "As a picture" : "As numbers"}
        <span className="offscreen">: {label}</span>
      </button>
    </figure>
  );
}

const MOST_ROWS = 500;

function FactsTable({ facts: { columns, rows }, label, height }: { facts: ChartFacts; label: string; height: number }) {
  return (
    <div className={styles.numbers} style={{ maxHeight: height }} tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, index) => (
            <tr key={index}>
              {row.map((value, place) => (
                <td key={place}>{value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS ? (
        <p>
          The first {MOST_ROWS} of {rows.length}.
        </p>
      ) : null}
    </div>
  );
}
