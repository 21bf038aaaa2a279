/** How long a job has taken. */

interface Timed {
  started_at: string | null;
  ended_at: string | null;
}

/** Seconds from start to end, or undefined while it has not ended. */
export function secondsOf({ started_at: start, ended_at: end }: Timed): number | undefined {
  return start && end ? (Date.parse(end) - Date.parse(start)) / 1000 : undefined;
}
