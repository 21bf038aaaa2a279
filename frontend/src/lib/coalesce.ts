/** Turns a burst of calls into few runs of one task. Used to refetch after events. */

/**
 * Returns a function that runs `task` `delayMs` after the first call of a burst. Calls that come while it runs lead
 * to exactly one more run, so the last run always starts after the last call: nothing that happened is missed, and a
 * steady stream of events cannot starve the refetch (as restarting or cancelling it would).
 */
export function coalesce(task: () => Promise<unknown>, delayMs: number): () => void {
  let state: "idle" | "waiting" | "running" | "again" = "idle";

  function schedule() {
    state = "waiting";
    setTimeout(() => void run(), delayMs);
  }

  async function run() {
    state = "running";
    try {
      await task();
    } catch {
      // The task reports its own failures; here they only must not stop the runs to come.
    }
    if (again()) schedule();
    else state = "idle";
  }

  // A function, since the compiler does not know that calls may change `state` while `task` is awaited.
  const again = () => state === "again";

  return () => {
    if (state === "idle") schedule();
    else if (state === "running") state = "again";
  };
}
