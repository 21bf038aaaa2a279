/** Times as people say them, and one shared clock that ticks for every time on the page. */
import { useSyncExternalStore } from "react";

const UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

/** "3 min ago". A time slightly in the future (two clocks never agree) is "just now". */
export function relativeTime(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  if (Number.isNaN(seconds)) return "at an unknown time";
  if (Math.abs(seconds) < 45) return "just now";
  for (const [unit, size] of UNITS) {
    const amount = Math.trunc(seconds / size);
    if (amount !== 0) return relative.format(amount, unit).replace(".", "");
  }
  return seconds < 0 ? "1 min ago" : "in 1 min";
}

/** The exact local time with its zone, for hovering. */
export function exactTime(at: Date): string {
  if (Number.isNaN(at.getTime())) return "unknown time";
  return at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
}

/** "42 s", "3 min 5 s", "2 h 10 min": how long something has taken. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}

/** By how much the server's clock is ahead of this machine's. Times come from there; this machine's may be days off. */
let ahead = 0;
/** What the way of an answer and whole seconds can explain is no skew. */
const SKEW_MS = 30_000;

/** Told by each answer: its `Date`. */
export function setServerClock(date: string | null): void {
  const skew = Date.parse(date ?? "") - Date.now();
  if (!Number.isNaN(skew)) ahead = Math.abs(skew) > SKEW_MS ? skew : 0;
}

/** Milliseconds on the server's clock. */
export const serverNow = () => Date.now() + ahead;

/** A time of this machine's clock as the server has it. */
export const onServer = (milliseconds: number) => new Date(milliseconds + ahead).toISOString();

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let current = serverNow();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    current = serverNow();
    listeners.forEach((notify) => notify());
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time now, rounded down to `everySeconds`: a component re-renders only when that changes. */
export function useNow(everySeconds = 15): Date {
  const step = everySeconds * 1000;
  const read = () => {
    if (timer === undefined) current = serverNow();
    return Math.floor(current / step) * step;
  };
  return new Date(useSyncExternalStore(subscribe, read));
}
