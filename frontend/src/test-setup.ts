/** Runs before each test file: jsdom lacks what the page asks of a browser; what was rendered is taken away after each test. */
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

Object.assign(globalThis, {
  CSS: { escape: (text: string) => text.replaceAll(/[^\w-]/g, String.raw`\$&`) },
  scrollTo: () => undefined,
});

afterEach(cleanup);
