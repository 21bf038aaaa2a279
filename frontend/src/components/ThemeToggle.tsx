/** Switches between the system's theme, light and dark. */
import { useState } from "react";
import { chooseTheme, readTheme, THEMES, type Theme } from "../lib/theme";
import styles from "./ThemeToggle.module.css";

const ICONS: Record<Theme, string> = {
  system: "M4 5.5h16v10H4zM9 19.5h6M12 15.5v4",
  light:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  dark: "M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z",
};

export function ThemeToggle() {
  const [theme, setTheme] = useState(readTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  const label = `Theme: ${theme}. Change to ${next}`;
  return (
    <button
      type="button"
      className={styles.toggle}
      aria-label={label}
      title={label}
      onClick={() => {
        chooseTheme(next);
        setTheme(next);
      }}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={ICONS[theme]} />
      </svg>
    </button>
  );
}
