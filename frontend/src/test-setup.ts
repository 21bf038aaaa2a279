/** Runs before each test file: jsdom lacks what the page asks of a browser; what was rendered is taken away after each test. */
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

Object.assign(globalThis, {
  CSS: { escape: (text: string) => text.replaceAll(/[^\w-]/g, String.raw`\$&`) },
  scrollTo: () => undefined,
});

// A busy machine draws late; what never comes fails all the same.
configure({ asyncUtilTimeout: 5_000 });
afterEach(cleanup);
