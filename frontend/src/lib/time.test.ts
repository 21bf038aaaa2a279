import { afterEach, describe, expect, it, vi } from "vitest";
import { duration, exactTime, onServer, relativeTime, serverNow, setServerClock } from "./time";

const NOW = new Date("2026-11-23T12:00:00Z");

describe("relativeTime", () => {
  it.each([
    [0, "just now"],
    [-44, "just now"],
    [30, "just now"],
    [-50, "1 min ago"],
    [-119, "1 min ago"],
    [-59 * 60, "59 min ago"],
    [-3_600, "1 hr ago"],
    [-86_400 * 3, "3 days ago"],
    [-86_400 * 29, "29 days ago"],
    [-86_400 * 400, "1 yr ago"],
    [7_300, "in 2 hr"],
  ])("%i seconds is %s", (seconds, text) => {
    expect(relativeTime(new Date(NOW.getTime() + seconds * 1000), NOW)).toBe(text);
  });

  it("does not break on a time that is none", () => {
    expect(relativeTime(new Date("soon"), NOW)).toBe("at an unknown time");
    expect(exactTime(new Date("soon"))).toBe("unknown time");
  });
});

describe("duration", () => {
  it.each([
    [-3, "0 s"],
    [42.9, "42 s"],
    [185, "3 min 5 s"],
    [7_800, "2 h 10 min"],
  ])("%d seconds is %s", (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe("a clock that is off", () => {
  afterEach(() => {
    setServerClock(new Date().toUTCString());
    vi.useRealTimers();
  });

  it.each([
    ["a day behind", "2026-11-22T12:00:00Z"],
    ["a day ahead", "2026-11-24T12:00:00Z"],
  ])("tells times from the server as the server would: %s", (_, here) => {
    vi.useFakeTimers({ now: new Date(here) });
    setServerClock(NOW.toUTCString());
    expect(relativeTime(new Date("2026-11-23T11:57:00Z"), new Date(serverNow()))).toBe("3 min ago");
    expect(onServer(Date.now())).toBe(NOW.toISOString());
  });

  it("takes seconds for the way of the answer, and no Date for no news", () => {
    vi.useFakeTimers({ now: NOW });
    setServerClock(new Date(NOW.getTime() - 2_000).toUTCString());
    setServerClock(null);
    expect(serverNow()).toBe(NOW.getTime());
  });
});
