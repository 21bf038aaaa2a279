/** Jobs: the list, one of them, and its log as it is written. */
import { queryOptions, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call } from "../../client/call";
import { answer, api } from "../../client/http";
import { hasEnded, type JobRead } from "../../client/job";
import { pagesQuery } from "../../client/pages";
import type { Schema } from "../../client/types";
import { follow, type StreamMessage } from "../../lib/eventStream";

export type JobLog = Schema<"JobLogRead">;
export const JOB_STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

export function jobsQuery(filters: { state?: JobState; subject?: string }) {
  return pagesQuery(["jobs", "list", filters], (cursor, signal) =>
    answer(
      api.GET("/api/v1/jobs", { params: { query: { ...filters, limit: 200, ...(cursor ? { cursor } : {}) } }, signal }),
    ),
  );
}

export function jobQuery(id: string) {
  return queryOptions({
    queryKey: ["jobs", id],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } }, signal })),
  });
}

export const cancelJob = (id: string) =>
  call("post", "/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: id } } });
export const retryJob = (id: string) =>
  call("post", "/api/v1/jobs/{job_id}/retry", { params: { path: { job_id: id } } });

/** The log from its beginning, growing until the job ends; progress goes into the cache of `jobQuery`. */
export function useJobLog(id: string): JobLog[] {
  const client = useQueryClient();
  const [lines, setLines] = useState<JobLog[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    const onMessage = ({ type, data }: StreamMessage) => {
      if (type === "log") {
        const line = JSON.parse(data) as JobLog;
        setLines((old) => [...old, line]);
        return;
      }
      const job = JSON.parse(data) as JobRead;
      client.setQueryData(jobQuery(id).queryKey, (old) => (old ? { ...old, ...job } : old));
      if (hasEnded(job)) {
        stop.abort();
        void client.invalidateQueries({ queryKey: ["jobs"] });
      }
    };
    void follow({ url: `/api/v1/jobs/${id}/events`, signal: stop.signal, onState: () => undefined, onMessage });
    return () => {
      stop.abort();
      setLines([]);
    };
  }, [id, client]);
  return lines;
}
