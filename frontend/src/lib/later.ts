/** Parts of the dashboard that are loaded when they are first needed. */
import { lazy, type ComponentType } from "react";

const RETRY_MS = 2_000;
const TIMEOUT_MS = 5_000;

/** Asked for while the server was away (a browser asks once), or the server has another version of the dashboard by now. */
export class PartMissing extends Error {
  constructor(cause: unknown) {
    super("The server was away when it was asked for, or the dashboard was updated since.", { cause });
  }
}

/** What `load` imports. `PartMissing` when it failed, and only when the server answers again: until then it waits. */
export async function arriving<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    while (!(await isAnswering())) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    throw new PartMissing(cause);
  }
}

async function isAnswering(): Promise<boolean> {
  try {
    return (await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) })).ok;
  } catch {
    return false;
  }
}

/** A component whose code comes when it is first drawn; put a `Suspense` around it. */
export function later<Props>(load: () => Promise<{ default: ComponentType<Props> }>) {
  return lazy(() => arriving(load));
}

const RELOADED = "millrace-reloaded";
const AGAIN_MS = 60_000;

/** Loads the page anew, unless that was just done. */
export function reloadOnce(): void {
  const since = Date.now() - Number(sessionStorage.getItem(RELOADED));
  if (since < AGAIN_MS) return;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  window.location.reload();
}
