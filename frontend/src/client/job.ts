/** A job that the page waits for, followed live until it ends. */
import { useEffect, useEffectEvent, useState } from "react";
import { follow } from "../lib/eventStream";
import type { Answer } from "./types";

export type JobRead = Omit<Answer<"/api/v1/jobs/{job_id}">, "usage">;

export function hasEnded({ state }: { state: string }): boolean {
  return state !== "queued" && state !== "running";
}

/** The newest that is known of the job; `onEnd` is called once when it has ended. */
export function useJob(given: JobRead, onEnd?: (job: JobRead) => void): JobRead {
  const [seen, setSeen] = useState(given);
  const ended = useEffectEvent((job: JobRead) => onEnd?.(job));
  const over = hasEnded(given);
  useEffect(() => {
    if (over) return;
    const stop = new AbortController();
    void follow({
      url: `/api/v1/jobs/${given.id}/events`,
      signal: stop.signal,
      onState: () => undefined,
      onMessage: ({ type, data }) => {
        if (type !== "job") return;
        const job = JSON.parse(data) as JobRead;
        setSeen(job);
        if (hasEnded(job)) {
          stop.abort();
          ended(job);
        }
      },
    });
    return () => stop.abort();
  }, [given.id, over]);
  return over || seen.id !== given.id ? given : seen;
}
