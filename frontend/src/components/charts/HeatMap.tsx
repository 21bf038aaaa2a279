/** Values by row and column as colours: drift by feature and time. */
import { useCallback } from "react";
import { number } from "../../lib/numbers";
import { axis, Chart } from "./Chart";
import type { Palette } from "./palette";

interface HeatMapProps {
  label: string;
  rows: readonly string[];
  columns: readonly string[];
  /** By row, then column; null where nothing is known. */
  values: readonly (readonly (number | null)[])[];
  /** The value at which the colour is full. */
  full: number;
  format?: (value: number) => string;
  onPick?: (row: number, column: number) => void;
}

export function HeatMap({ label, rows, columns, values, full, format = number, onPick }: HeatMapProps) {
  const option = useCallback(
    (palette: Palette) => ({
      grid: { top: 8, bottom: 8 },
      tooltip: {
        trigger: "item",
        formatter: ({ data }: { data: [number, number, number] }) =>
          `${rows[data[1]] ?? ""}\n${columns[data[0]] ?? ""}\n${format(data[2])}`,
      },
      visualMap: {
        show: false,
        min: 0,
        max: full,
        inRange: { color: [palette.surface, "#eba71c", palette.failed] },
      },
      xAxis: axis(palette, { type: "category", data: [...columns], splitArea: { show: false } }),
      yAxis: axis(palette, { type: "category", data: [...rows], inverse: true }),
      series: [
        {
          type: "heatmap",
          data: cells(values),
          itemStyle: { borderColor: palette.line, borderWidth: 1 },
        },
      ],
    }),
    [rows, columns, values, full, format],
  );
  const facts = () => ({
    columns: ["", ...columns],
    rows: rows.map((row, index) => [
      row,
      ...(values[index] ?? []).map((value) => (value === null ? "–" : format(value))),
    ]),
  });
  const pick = (index: number) => {
    const [column, row] = cells(values)[index] ?? [];
    if (column !== undefined && row !== undefined) onPick?.(row, column);
  };
  return <Chart label={label} option={option} facts={facts} height={60 + rows.length * 24} onPick={pick} />;
}

function cells(values: HeatMapProps["values"]): [number, number, number][] {
  return values.flatMap((row, y) =>
    row.flatMap((value, x) => (value === null ? [] : [[x, y, value] as [number, number, number]])),
  );
}
