import { beforeEach, describe, expect, it, vi } from "vitest";
import { coalesce } from "./coalesce";

describe("coalesce", () => {
  let release: () => void;
  const task = vi.fn(() => new Promise<void>((resolve) => (release = resolve)));

  beforeEach(() => {
    vi.useFakeTimers();
    task.mockClear();
    return () => vi.useRealTimers();
  });

  it("runs once for a burst", async () => {
    const call = coalesce(task, 100);
    for (let n = 0; n < 50; n += 1) call();
    await vi.advanceTimersByTimeAsync(100);
    expect(task).toHaveBeenCalledTimes(1);
    release();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(task).toHaveBeenCalledTimes(1);
  });

  it("runs exactly once more for calls that came while it ran", async () => {
    const call = coalesce(task, 100);
    call();
    await vi.advanceTimersByTimeAsync(100);
    call();
    call();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(task).toHaveBeenCalledTimes(1);
    release();
    await vi.advanceTimersByTimeAsync(100);
    expect(task).toHaveBeenCalledTimes(2);
    release();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(task).toHaveBeenCalledTimes(2);
  });

  it("is not starved by a call every millisecond", async () => {
    const quick = vi.fn(() => Promise.resolve());
    const call = coalesce(quick, 100);
    for (let n = 0; n < 1_000; n += 1) {
      call();
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(quick.mock.calls.length).toBeGreaterThanOrEqual(9);
  });

  it("runs again after a failure", async () => {
    const failing = vi.fn().mockRejectedValueOnce(new Error("away")).mockResolvedValue(undefined);
    const call = coalesce(failing, 100);
    call();
    await vi.advanceTimersByTimeAsync(100);
    call();
    await vi.advanceTimersByTimeAsync(100);
    expect(failing).toHaveBeenCalledTimes(2);
  });
});
