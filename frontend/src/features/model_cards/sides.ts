/** Facts of several versions, one row each, with what differs marked. Pure. */
import { number } from "../../lib/numbers";
import type { SideBySide } from "./api";

export interface Side {
  name: string;
  values: string[];
  differs: boolean;
}

const object = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const figure = (value: unknown) => (typeof value === "number" ? number(value) : undefined);

/** A check or a slice has a verdict and a figure; anything else is shown as it is. */
export function told(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value) || !object(value))
    return figure(value) ?? (typeof value === "string" ? value : JSON.stringify(value));
  const { verdict, value: of, metric, rows } = value;
  const parts = [
    typeof verdict === "string" ? verdict : undefined,
    figure(of) ?? figure(metric),
    typeof rows === "number" ? `${number(rows)} rows` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(", ") || JSON.stringify(value);
}

export function side(name: string, values: readonly unknown[]): Side {
  const shown = values.map(told);
  return { name, values: shown, differs: new Set(shown).size > 1 };
}

export function factsOf(sides: SideBySide): Side[] {
  return [
    side(
      "data",
      sides.data.map(({ dataset }) => dataset),
    ),
    side("checks", sides.verdicts),
    side("promotion", sides.promotions),
    side("served by", sides.flavors),
    side("size in bytes", sides.sizes),
    side("latency in ms", sides.latencies),
  ];
}
