/** The live stream of what happens on the server. */
import { useEffect, useEffectEvent, useState } from "react";
import { follow, type StreamState } from "../../lib/eventStream";

/**
 * Follows all events and calls `onEvent` for each, and once whenever the stream (re)opens, since what happened in
 * between may be older than what the server replays.
 */
export function useEvents(onEvent: () => void): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  const notify = useEffectEvent(onEvent);
  useEffect(() => {
    const stop = new AbortController();
    void follow({
      url: "/api/v1/events/stream",
      signal: stop.signal,
      onMessage: () => notify(),
      onState: (next) => {
        setState(next);
        if (next === "live") notify();
      },
    });
    return () => stop.abort();
  }, []);
  return state;
}
