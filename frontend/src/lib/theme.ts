/** The colour theme: the system's until a person chooses. The choice is a cookie, no secret, so that it survives a reload. */

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const COOKIE = "millrace_theme";
const YEAR_SECONDS = 31_536_000;

export function readTheme(): Theme {
  const value = new RegExp(`(?:^|; )${COOKIE}=(\\w+)`).exec(document.cookie)?.[1];
  return THEMES.find((theme) => theme === value) ?? "system";
}

/** Shows the theme; the stylesheet's `light-dark()` colours follow `data-theme`. */
export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
}

export function chooseTheme(theme: Theme): void {
  document.cookie = `${COOKIE}=${theme}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  applyTheme(theme);
}
