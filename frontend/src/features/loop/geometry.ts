/** Where the ring's nodes sit. Four rows on either side, so that each node is level with its stage's text. Pure. */

export const WIDTH = 488;
export const HEIGHT = 528;
export const RADIUS = 206;
export const NODE = 22;
export const CENTRE = { x: WIDTH / 2, y: HEIGHT / 2 };

const ROWS = 4;

export interface Point {
  x: number;
  y: number;
  /** Radians, clockwise from the top. */
  angle: number;
  side: "left" | "right";
  /** 0 is the top one. */
  row: number;
}

/** The nth of eight nodes, clockwise: 0-3 down the right side, 4-7 up the left one. */
export function node(index: number): Point {
  const side = index < ROWS ? "right" : "left";
  const row = side === "right" ? index : 2 * ROWS - 1 - index;
  const y = ((row + 0.5) / ROWS) * HEIGHT;
  const fromTop = Math.acos((CENTRE.y - y) / RADIUS);
  const angle = side === "right" ? fromTop : 2 * Math.PI - fromTop;
  return { x: CENTRE.x + RADIUS * Math.sin(angle), y, angle, side, row };
}

export function onCircle(angle: number, radius = RADIUS): { x: number; y: number } {
  return { x: CENTRE.x + radius * Math.sin(angle), y: CENTRE.y - radius * Math.cos(angle) };
}

/** The arc from one node to the next, ending short of both circles by `gap` pixels. */
export function arc(from: Point, to: Point, gap = NODE + 7): { path: string; middle: number } {
  const turn = (to.angle - from.angle + 2 * Math.PI) % (2 * Math.PI);
  const inset = 2 * Math.asin(gap / (2 * RADIUS));
  const start = onCircle(from.angle + inset);
  const end = onCircle(from.angle + turn - inset);
  return {
    path: `M${start.x.toFixed(1)} ${start.y.toFixed(1)}A${RADIUS} ${RADIUS} 0 0 1 ${end.x.toFixed(1)} ${end.y.toFixed(1)}`,
    middle: from.angle + turn / 2,
  };
}
