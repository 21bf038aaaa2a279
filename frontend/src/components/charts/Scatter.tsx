/** Points of two numbers each: one per run, trial or slice. */
import { useCallback } from "react";
import { number } from "../../lib/numbers";
import { axis, Chart } from "./Chart";
import type { Palette } from "./palette";

export interface Point {
  name: string;
  x: number;
  y: number;
  /** Stands out from the others. */
  marked?: boolean;
}

interface ScatterProps {
  label: string;
  points: readonly Point[];
  xName: string;
  yName: string;
  height?: number;
  /** Called with the index of the point that was clicked. */
  onPick?: (index: number) => void;
}

export function Scatter({ label, points, xName, yName, height = 280, onPick }: ScatterProps) {
  const option = useCallback(
    (palette: Palette) => ({
      grid: { top: 34, bottom: 28, right: 24 },
      tooltip: {
        trigger: "item",
        formatter: ({ dataIndex }: { dataIndex: number }) => {
          const point = points[dataIndex];
          return point ? `${point.name}\n${xName}: ${number(point.x)}\n${yName}: ${number(point.y)}` : "";
        },
      },
      xAxis: axis(palette, {
        type: "value",
        scale: true,
        name: xName,
        nameLocation: "middle",
        nameGap: 28,
        axisLabel: { formatter: number, color: palette.muted },
      }),
      yAxis: axis(palette, {
        type: "value",
        scale: true,
        name: yName,
        nameTextStyle: { color: palette.muted, align: "left" },
        axisLabel: { formatter: number, color: palette.muted },
      }),
      series: [
        {
          type: "scatter",
          data: points.map(({ x, y, marked }) => ({
            value: [x, y],
            symbolSize: marked ? 16 : 10,
            itemStyle: { color: marked ? palette.ok : palette.series[2], opacity: 0.85 },
          })),
        },
      ],
    }),
    [points, xName, yName],
  );
  const facts = () => ({
    columns: ["", xName, yName],
    rows: points.map(({ name, x, y }) => [name, number(x), number(y)]),
  });
  return <Chart label={label} option={option} facts={facts} height={height} {...(onPick ? { onPick } : {})} />;
}
