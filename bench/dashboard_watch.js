// In the page before its own scripts: from an input to the paint that shows what it did, and the frames of a movement.
(() => {
  const inputs = [];
  new PerformanceObserver((list) => inputs.push(...list.getEntries())).observe({ type: "event", durationThreshold: 16 });
  let first;
  for (const kind of ["pointerdown", "keydown", "wheel", "pointermove"]) {
    addEventListener(kind, (event) => (first ??= event.timeStamp), { capture: true, passive: true });
  }
  const afterPaint = (then) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => then(performance.now());
    requestAnimationFrame(() => port2.postMessage(0));
  };
  const settle = (seconds) => new Promise((then) => setTimeout(then, seconds * 1000));
  let shown, moving, longest, last;
  window.bench = {
    /** From the next input until `read()` gives something else than now, painted. */
    arm(read) {
      inputs.length = 0;
      first = undefined;
      const before = read();
      shown = new Promise((then) => {
        const look = () => (first !== undefined && read() !== before ? afterPaint(then) : requestAnimationFrame(look));
        requestAnimationFrame(look);
      });
    },
    /** Milliseconds from the input to what it shows, and to the next paint after any of its events was handled. */
    async read() {
      const at = await Promise.race([shown, settle(20).then(() => Infinity)]);
      await settle(0.15);
      return { shown: at - first, paint: Math.max(0, ...inputs.map(({ duration }) => duration)) };
    },
    /** Frames from now on. */
    move() {
      [moving, longest, last] = [true, 0, performance.now()];
      const frame = (now) => {
        longest = Math.max(longest, now - last);
        last = now;
        if (moving) requestAnimationFrame(frame);
      };
      requestAnimationFrame((now) => {
        last = now;
        requestAnimationFrame(frame);
      });
    },
    /** The longest frame since `move`, in milliseconds. */
    async rest() {
      await settle(0.1);
      moving = false;
      return longest;
    },
  };
})();
