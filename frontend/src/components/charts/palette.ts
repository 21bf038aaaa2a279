/** The colours of charts, read from the stylesheet so that light and dark follow it. */
import { useSyncExternalStore } from "react";

export interface Palette {
  text: string;
  muted: string;
  line: string;
  surface: string;
  accent: string;
  ok: string;
  attention: string;
  failed: string;
  running: string;
  idle: string;
  /** For series that are merely different: told apart also by people who do not see colours as most do (Okabe and Ito). */
  series: readonly string[];
}

const LIGHT = ["#0b7069", "#d55e00", "#0072b2", "#cc79a7", "#8f6a00", "#5b6870", "#56b4e9", "#7a3e9d"];
const DARK = ["#63d2c6", "#ff9d5c", "#6db8ff", "#f0a6cf", "#e6c35a", "#9aa8b0", "#a5d8ff", "#c9a0e8"];

let cached: { key: string; palette: Palette } | undefined;

function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  if (theme === "dark" || theme === "light") return theme === "dark";
  return typeof window.matchMedia === "function" && window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function read(): Palette {
  const key = isDark() ? "dark" : "light";
  if (cached?.key === key) return cached.palette;
  const probe = document.createElement("span");
  document.body.append(probe);
  // The variables hold `light-dark()`, which only a used colour resolves.
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["text", "muted", "line", "surface", "accent", "ok", "attention", "failed", "running", "idle"] as const;
  const palette = {
    ...(Object.fromEntries(names.map((name) => [name, colour(name)])) as Record<(typeof names)[number], string>),
    series: key === "dark" ? DARK : LIGHT,
  };
  probe.remove();
  cached = { key, palette };
  return palette;
}

function subscribe(changed: () => void): () => void {
  const system =
    typeof window.matchMedia === "function" ? window.matchMedia("(prefers-color-scheme: dark)") : undefined;
  const chosen = new MutationObserver(changed);
  system?.addEventListener("change", changed);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    system?.removeEventListener("change", changed);
    chosen.disconnect();
  };
}

export function usePalette(): Palette {
  return useSyncExternalStore(subscribe, read);
}
