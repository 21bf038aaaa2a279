/** Parallel coordinates: one upright axis per parameter or metric, one line per run across them. */
import { useCallback } from "react";
import { number } from "../../lib/numbers";
import { Chart } from "./Chart";
import type { Palette } from "./palette";

export interface Dimension {
  name: string;
  /** One per line, in the order of `names`; text makes the axis one of categories. */
  values: readonly (number | string | null)[];
}

interface ParallelProps {
  label: string;
  /** Of the lines. */
  names: readonly string[];
  dimensions: readonly Dimension[];
  height?: number;
  onPick?: (index: number) => void;
}

/** What one axis takes, and what is at both sides of all. */
const [AXIS_PX, AROUND_PX] = [92, 60];

const said = (value: number | string | null | undefined) => (typeof value === "string" ? value : number(value));

/** A dimension as an axis holds it: all numbers, or all categories. */
function held({ name, values }: Dimension) {
  const numeric = values.every((value) => value === null || typeof value === "number");
  return {
    name,
    numeric,
    values: numeric ? values : values.map(said),
    categories: numeric ? [] : [...new Set(values.map(said))],
  };
}

export function Parallel({ label, names, dimensions, height = 320, onPick }: ParallelProps) {
  const option = useCallback(
    (palette: Palette) => {
      const axes = dimensions.map(held);
      return {
        parallel: { left: 60, right: 90, top: 44, bottom: 20 },
        tooltip: {
          trigger: "item",
          formatter: ({ dataIndex }: { dataIndex: number }) =>
            [
              names[dataIndex] ?? "",
              ...dimensions.map(({ name, values }) => `${name}: ${said(values[dataIndex])}`),
            ].join("\n"),
        },
        parallelAxis: axes.map(({ name, numeric, categories }, dim) => ({
          dim,
          name,
          type: numeric ? "value" : "category",
          ...(numeric ? { scale: true } : { data: categories }),
          nameTextStyle: { color: palette.muted },
          nameTruncate: { maxWidth: AXIS_PX - 8 },
          axisLine: { lineStyle: { color: palette.line } },
          axisTick: { show: false },
          axisLabel: {
            color: palette.muted,
            width: AXIS_PX - 20,
            overflow: "truncate",
            ...(numeric ? { formatter: number } : {}),
          },
        })),
        series: [
          {
            type: "parallel",
            smooth: 0.05,
            emphasis: { lineStyle: { width: 4, opacity: 1 } },
            data: names.map((_, index) => ({
              value: axes.map(({ values }) => values[index] ?? "-"),
              lineStyle: { width: 2, opacity: 0.7, color: palette.series[index % palette.series.length] },
            })),
          },
        ],
      };
    },
    [names, dimensions],
  );
  const facts = () => ({
    columns: ["", ...dimensions.map(({ name }) => name)],
    rows: names.map((name, index) => [name, ...dimensions.map(({ values }) => said(values[index]))]),
  });
  return (
    <Chart
      label={label}
      option={option}
      facts={facts}
      height={height}
      minWidth={AROUND_PX + dimensions.length * AXIS_PX}
      {...(onPick ? { onPick } : {})}
    />
  );
}
