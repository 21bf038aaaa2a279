/** How far two clocks are apart. */

/** Seconds by which the server's clock was ahead of this one when its answer came. */
export function skewSeconds(serverTime: string, receivedAt: number): number {
  return (Date.parse(serverTime) - receivedAt) / 1000;
}
