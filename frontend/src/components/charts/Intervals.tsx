/** Estimates with their intervals, one below the other: where each lies against zero or a margin. */
import { useCallback } from "react";
import { number } from "../../lib/numbers";
import type { Tone } from "../../lib/tone";
import { axis, Chart } from "./Chart";
import type { Palette } from "./palette";

export interface Interval {
  name: string;
  estimate: number;
  low: number | null;
  high: number | null;
  tone?: Tone;
}

interface IntervalsProps {
  label: string;
  intervals: readonly Interval[];
  /** Vertical lines: zero, the minimum effect, a margin. */
  marks?: readonly { at: number; name: string }[];
  format?: (value: number) => string;
  xName?: string;
}

export function Intervals({ label, intervals, marks = [], format = number, xName }: IntervalsProps) {
  const option = useCallback(
    (palette: Palette) => {
      const ends = [
        ...intervals.flatMap(({ estimate, low, high }) => [estimate, low ?? estimate, high ?? estimate]),
        ...marks.map(({ at }) => at),
      ];
      const [least, most] = [Math.min(...ends), Math.max(...ends)];
      const room = (most - least || Math.abs(most) || 1) * 0.08;
      return {
        grid: { top: marks.length > 0 ? 26 : 8, bottom: xName ? 26 : 8, right: 24 },
        tooltip: {
          trigger: "item",
          formatter: ({ dataIndex }: { dataIndex: number }) => {
            const of = intervals[dataIndex];
            return of ? `${of.name}\n${said(of, format)}` : "";
          },
        },
        xAxis: axis(palette, {
          type: "value",
          min: least - room,
          max: most + room,
          name: xName,
          nameLocation: "middle",
          nameGap: 26,
          axisLabel: { formatter: format, color: palette.muted, showMinLabel: false, showMaxLabel: false },
        }),
        yAxis: axis(palette, {
          type: "category",
          inverse: true,
          data: intervals.map(({ name }) => name),
          // On a phone the names leave room for the intervals.
          axisLabel: { color: palette.muted, width: window.innerWidth < 600 ? 100 : 190, overflow: "truncate" },
          splitLine: { show: false },
        }),
        series: [
          {
            type: "custom",
            encode: { x: [1, 2, 3], y: 0 },
            data: intervals.map(({ estimate, low, high }, index) => [
              index,
              estimate,
              low ?? estimate,
              high ?? estimate,
            ]),
            renderItem: (
              context: { dataIndex: number },
              api: { value: (index: number) => number; coord: (point: number[]) => [number, number] },
            ) => {
              const row = api.value(0);
              const colour = palette[intervals[context.dataIndex]?.tone ?? "running"];
              const [middle, y] = api.coord([api.value(1), row]);
              const [from] = api.coord([api.value(2), row]);
              const [to] = api.coord([api.value(3), row]);
              const stroke = { stroke: colour, lineWidth: 2 };
              return {
                type: "group",
                children: [
                  { type: "line", shape: { x1: from, y1: y, x2: to, y2: y }, style: stroke },
                  { type: "line", shape: { x1: from, y1: y - 5, x2: from, y2: y + 5 }, style: stroke },
                  { type: "line", shape: { x1: to, y1: y - 5, x2: to, y2: y + 5 }, style: stroke },
                  { type: "circle", shape: { cx: middle, cy: y, r: 5 }, style: { fill: colour } },
                ],
              };
            },
            markLine: {
              symbol: "none",
              silent: true,
              lineStyle: { color: palette.muted, type: "dashed" },
              label: { color: palette.muted, formatter: "{b}" },
              data: marks.map(({ at, name }) => ({ xAxis: at, name })),
            },
          },
        ],
      };
    },
    [intervals, marks, format, xName],
  );
  const facts = () => ({
    columns: ["", "estimate", "low", "high"],
    rows: intervals.map(({ name, estimate, low, high }) => [
      name,
      format(estimate),
      low === null ? "–" : format(low),
      high === null ? "–" : format(high),
    ]),
  });
  return <Chart label={label} option={option} facts={facts} height={60 + intervals.length * 30} />;
}

function said({ estimate, low, high }: Interval, format: (value: number) => string): string {
  return low === null || high === null ? format(estimate) : `${format(estimate)} [${format(low)}, ${format(high)}]`;
}
