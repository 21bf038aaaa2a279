import { beforeEach, describe, expect, it, vi } from "vitest";
import { arriving, PartMissing } from "./later";

describe("a part that is loaded later", () => {
  const failing = () => Promise.reject(new TypeError("Failed to fetch"));

  beforeEach(() => {
    vi.useFakeTimers();
    return () => vi.useRealTimers();
  });

  it("comes", async () => {
    expect(await arriving(() => Promise.resolve("the part"))).toBe("the part");
  });

  it("is missing when the server answers", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response()));
    await expect(arriving(failing)).rejects.toThrow(PartMissing);
  });

  it("is not given up while the server is away", async () => {
    let away = true;
    vi.stubGlobal("fetch", () => (away ? failing() : Promise.resolve(new Response())));
    const given = vi.fn();
    const part = arriving(failing).catch(given);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(given).not.toHaveBeenCalled();
    away = false;
    await vi.advanceTimersByTimeAsync(2_000);
    await part;
    expect(given).toHaveBeenCalledWith(expect.any(PartMissing));
  });
});
