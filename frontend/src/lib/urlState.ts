/** State that lives in the query of the URL, so that a link shows what its sender saw. */
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";

/** One value of the query; setting it to `fallback` (or undefined) takes it out. Replaces the entry in the history. */
export function useUrlState(name: string, fallback = ""): [string, (value: string | undefined) => void] {
  const value = useLocation({ select: ({ search }) => (search as Record<string, string | undefined>)[name] });
  const navigate = useNavigate();
  const set = useCallback(
    (next: string | undefined) =>
      void navigate({
        to: ".",
        search: (old: Record<string, unknown>) => ({ ...old, [name]: next === fallback ? undefined : next }),
        replace: true,
        resetScroll: false,
      } as never),
    [navigate, name, fallback],
  );
  return [value ?? fallback, set];
}

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const pairs = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}
