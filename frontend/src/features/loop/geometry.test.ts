import { expect, it } from "vitest";
import { arc, CENTRE, HEIGHT, NODE, node, RADIUS, WIDTH } from "./geometry";

const nodes = Array.from({ length: 8 }, (_, index) => node(index));

it("puts every node on the circle, level with its row, inside the picture", () => {
  for (const { x, y, row } of nodes) {
    expect(Math.hypot(x - CENTRE.x, y - CENTRE.y)).toBeCloseTo(RADIUS, 6);
    expect(y).toBe(((row + 0.5) * HEIGHT) / 4);
    expect(x).toBeGreaterThan(NODE);
    expect(x).toBeLessThan(WIDTH - NODE);
  }
});

it("goes clockwise: down the right side, up the left", () => {
  const angles = nodes.map(({ angle }) => angle);
  expect(angles).toEqual([...angles].sort((a, b) => a - b));
  expect(nodes.map(({ side, row }) => `${side} ${row}`).join(", ")).toBe(
    "right 0, right 1, right 2, right 3, left 3, left 2, left 1, left 0",
  );
});

it("leaves room for a line between neighbours, also over the top", () => {
  nodes.forEach((at, index) => {
    const next = nodes[(index + 1) % 8];
    if (!next) throw new Error("no next node");
    expect(Math.hypot(next.x - at.x, next.y - at.y)).toBeGreaterThan(2 * NODE + 40);
    expect(arc(at, next).path).toMatch(/^M[\d.]+ [\d.]+A206 206 0 0 1 [\d.]+ [\d.]+$/);
  });
});
