/** Lines over steps or time, with bands of uncertainty and reference lines. */
import { useCallback } from "react";
import { number } from "../../lib/numbers";
import { axis, Chart } from "./Chart";
import type { Palette } from "./palette";

export interface Line {
  name: string;
  /** Pairs of x (a number, or an ISO time) and y; null breaks the line. */
  points: readonly (readonly [number | string, number | null])[];
  /** Lower and upper ends per point, infinite where there is none: drawn as a band in the line's colour. */
  band?: readonly (readonly [number | null, number | null])[];
  dashed?: boolean;
  /** One of the palette's tones instead of the next series colour. */
  tone?: "ok" | "attention" | "failed" | "running" | "idle";
}

/** With more lines than these, none is told apart by its colour or a legend, and the tip names only some. */
const MANY = 20;
const NAMED = 12;

interface LinesProps {
  label: string;
  lines: readonly Line[];
  x: "time" | "value";
  xName?: string;
  yName?: string;
  /** Horizontal lines: a threshold, a bound. */
  marks?: readonly { at: number; name: string }[];
  format?: (value: number) => string;
  height?: number;
  /** Stretches of x, drawn as stripes: stages, steps. */
  spans?: readonly { from: number; to: number; name: string }[];
  /** Vertical lines: when something was decided. */
  moments?: readonly { at: number; name: string }[];
  /** The least and the most that is drawn. */
  range?: readonly [number, number];
  /** Zoom by dragging below the chart: for long series. */
  zoom?: boolean;
  /** Values of both signs or far from 0 need not show 0. */
  fromZero?: boolean;
  logarithmic?: boolean;
}

export function Lines(props: LinesProps) {
  const {
    label,
    lines,
    x,
    xName,
    yName,
    marks = [],
    spans = [],
    moments = [],
    range,
    format = number,
    height = 220,
    zoom,
    fromZero,
    logarithmic,
  } = props;
  const option = useCallback(
    (palette: Palette) => {
      const many = lines.length > MANY;
      const colour = (line: Line, index: number) =>
        line.tone ? palette[line.tone] : (palette.series[index % palette.series.length] ?? palette.accent);
      return {
        legend: lines.length > 1 && !many ? { data: lines.map(({ name }) => name) } : undefined,
        grid: {
          top: (lines.length > 1 && !many) || yName || moments.length > 0 ? 34 : 14,
          bottom: zoom ? 44 : xName ? 24 : 8,
          right: 24,
        },
        tooltip: {
          trigger: "axis",
          // With one line, the value's band is said as well.
          valueFormatter: (value: unknown, at: number) =>
            (typeof value === "number" ? format(value) : "–") + (lines.length > 1 ? "" : ends(lines[0], at, format)),
          ...(many ? { formatter: (found: Tip[]) => tipOf(found, format) } : {}),
        },
        xAxis: axis(palette, {
          type: x,
          name: xName,
          nameLocation: "middle",
          nameGap: 26,
          splitLine: { show: false },
          ...(spans.length > 0 ? { max: "dataMax" } : {}),
        }),
        yAxis: axis(palette, {
          type: logarithmic ? "log" : "value",
          name: yName,
          scale: !fromZero,
          ...(range ? { min: range[0], max: range[1] } : {}),
          // A given end is rarely a round number.
          axisLabel: { formatter: format, color: palette.muted, showMaxLabel: !range },
        }),
        dataZoom: zoom ? [{ type: "slider", height: 18, bottom: 6 }, { type: "inside" }] : undefined,
        series: lines.flatMap((line, index) => [
          ...bandOf(line, colour(line, index), range),
          {
            name: line.name,
            type: "line",
            showSymbol: line.points.length < (line.band ? 12 : 40),
            symbolSize: 5,
            data: line.points.map((point) => [...point]),
            ...(many ? QUIET : {}),
            lineStyle: { width: many ? 1 : 2, type: line.dashed ? "dashed" : "solid", color: colour(line, index) },
            itemStyle: { color: colour(line, index) },
            ...(index === 0 ? { markLine: markLines(marks, moments, palette), markArea: stripes(spans, palette) } : {}),
          },
        ]),
      };
    },
    [lines, x, xName, yName, marks, spans, moments, range, format, zoom, fromZero, logarithmic],
  );
  const banded = lines.some(({ band }) => band);
  const facts = () => ({
    columns: ["series", xName ?? x, yName ?? "value", ...(banded ? ["low", "high"] : [])],
    rows: lines.flatMap(({ name, points, band }) =>
      points.map(([at, value], index) => [
        name,
        typeof at === "number" ? number(at) : at,
        value === null ? "–" : format(value),
        ...(banded ? [0, 1].map((end) => said(band?.[index]?.[end], format)) : []),
      ]),
    ),
  });
  return <Chart label={label} option={option} facts={facts} height={height} />;
}

const said = (value: number | null | undefined, format: (value: number) => string) =>
  value === null || value === undefined ? "–" : Number.isFinite(value) ? format(value) : number(value);

/** " [low, high]" of one point, where there is a band. */
function ends(line: Line | undefined, at: number, format: (value: number) => string): string {
  const band = line?.band?.[at];
  return band ? ` [${band.map((end) => said(end, format)).join(", ")}]` : "";
}

function markLines(marks: LinesProps["marks"] = [], moments: LinesProps["moments"] = [], palette: Palette) {
  if (marks.length + moments.length === 0) return undefined;
  return {
    symbol: "none",
    silent: true,
    lineStyle: { color: palette.attention, type: "dashed" },
    // What was decided last stands at the end.
    label: { color: palette.muted, formatter: "{b}", position: moments.length > 0 ? "insideStartTop" : "insideEndTop" },
    data: [
      ...marks.map(({ at, name }) => ({ yAxis: at, name })),
      ...moments.map(({ at, name }) => ({
        xAxis: at,
        name,
        lineStyle: { color: palette.text, type: "solid", width: 1 },
        label: { position: "end", align: "right", color: palette.text },
      })),
    ],
  };
}

function stripes(spans: LinesProps["spans"] = [], palette: Palette) {
  if (spans.length === 0) return undefined;
  return {
    silent: true,
    label: { color: palette.muted, position: "insideTop" },
    data: spans.map(({ from, to, name }, index) => [
      { name, xAxis: from, itemStyle: { color: palette.line, opacity: index % 2 === 0 ? 0.18 : 0.5 } },
      { xAxis: to },
    ]),
  };
}

/** On a canvas of their own, which moving over them leaves as it is. */
const QUIET = { zlevel: -1, emphasis: { disabled: true }, sampling: "lttb" };

interface Tip {
  axisValueLabel: string;
  seriesName: string;
  value: readonly [number | string, number | null];
}

/** The highest at this place, and how many more there are. */
function tipOf(found: readonly Tip[], format: (value: number) => string): string {
  const known = found.flatMap(({ seriesName, value: [, value] }) =>
    typeof value === "number" ? [{ name: seriesName, value }] : [],
  );
  const named = known.sort((a, b) => b.value - a.value).slice(0, NAMED);
  return [
    found[0]?.axisValueLabel ?? "",
    ...named.map(({ name, value }) => `${name}: ${format(value)}`),
    ...(known.length > NAMED ? [`and ${known.length - NAMED} lower ones`] : []),
  ].join("\n");
}

/** The band as a custom polygon: unlike stacked areas it also holds below zero. */
function bandOf(line: Line, colour: string, [least, most]: readonly [number, number] = [-1e300, 1e300]): object[] {
  const { band } = line;
  if (!band) return [];
  const known = line.points.flatMap(([at], index) => {
    const [low, high] = band[index] ?? [null, null];
    return low === null || high === null ? [] : [[at, Math.max(low, least), Math.min(high, most)] as const];
  });
  if (known.length === 0) return [];
  return [
    {
      name: line.name,
      type: "custom",
      silent: true,
      tooltip: { show: false },
      z: 1,
      encode: { x: 0, y: [1, 2] },
      data: known.map((point) => [...point]),
      renderItem: (context: { dataIndex: number }, api: { coord: (point: unknown[]) => number[] }) => {
        if (context.dataIndex > 0) return undefined;
        const upper = known.map(([at, , high]) => api.coord([at, high]));
        const lower = known.map(([at, low]) => api.coord([at, low])).reverse();
        return {
          type: "polygon",
          shape: { points: [...upper, ...lower] },
          style: { fill: colour, opacity: 0.18 },
        };
      },
    },
  ];
}
