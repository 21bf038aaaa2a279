/** Shares by bin or category: one distribution, or two side by side. */
import { useCallback } from "react";
import { number, percent } from "../../lib/numbers";
import { axis, Chart } from "./Chart";
import type { Palette } from "./palette";

export interface Distribution {
  name: string;
  /** One per bin, summing to about 1. */
  shares: readonly number[];
}

interface HistogramProps {
  label: string;
  /** One per bin: "0 – 5", "clear". */
  bins: readonly string[];
  of: readonly Distribution[];
  height?: number;
}

/** Names of the bins between edges. */
export function binNames(edges: readonly number[]): string[] {
  return edges.slice(1).map((end, index) => `${number(edges[index])} – ${number(end)}`);
}

export function Histogram({ label, bins, of, height = 180 }: HistogramProps) {
  const option = useCallback(
    (palette: Palette) => ({
      legend: of.length > 1 ? {} : undefined,
      grid: { top: of.length > 1 ? 30 : 10 },
      tooltip: { trigger: "axis", valueFormatter: (value: unknown) => percent(Number(value)) },
      xAxis: axis(palette, { type: "category", data: [...bins] }),
      yAxis: axis(palette, {
        type: "value",
        axisLabel: { formatter: (value: number) => percent(value, 0), color: palette.muted },
      }),
      series: of.map(({ name, shares }) => ({
        name,
        type: "bar",
        data: [...shares],
        barGap: "10%",
        barCategoryGap: "15%",
        itemStyle: { borderRadius: [3, 3, 0, 0] },
      })),
    }),
    [bins, of],
  );
  const facts = () => ({
    columns: ["bin", ...of.map(({ name }) => name)],
    rows: bins.map((bin, index) => [bin, ...of.map(({ shares }) => percent(shares[index]))]),
  });
  return <Chart label={label} option={option} facts={facts} height={height} />;
}
