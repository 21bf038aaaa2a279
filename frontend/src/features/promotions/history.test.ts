import { expect, it } from "vitest";
import { promotion } from "./fixture";
import { reignsOf } from "./history";
import type { ModelEvent } from "./api";

const move = (seq: number, at: string, number: number, previous: number | null): ModelEvent => ({
  seq,
  at,
  type: "AliasMoved",
  subject: "models/income",
  actor: "ann",
  payload: { alias: "champion", number, previous },
  request_id: null,
  job_id: null,
});

it("tells who was champion until when, by which decision, and what came back by a rollback", () => {
  const moves = [
    move(9, "2026-11-26T12:00:00Z", 1, 2),
    move(5, "2026-11-26T11:00:00Z", 2, 1),
    move(1, "2026-11-26T10:00:00Z", 1, null),
  ];
  const decisions = [
    promotion({}, { id: "two", version: 2, applied_at: "2026-11-26T11:00:00.200Z" }),
    promotion({}, { id: "one", version: 1, applied_at: "2026-11-26T10:00:00Z" }),
  ];
  const reigns = reignsOf(moves, decisions);
  expect(reigns.map(({ number, back }) => [number, back])).toEqual([
    [1, true],
    [2, false],
    [1, false],
  ]);
  expect(reigns.map(({ until }) => until)).toEqual([null, "2026-11-26T12:00:00Z", "2026-11-26T11:00:00Z"]);
  expect(reigns.map((reign) => reign.promotion?.id)).toEqual([undefined, "two", "one"]);
});
