import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import axe from "axe-core";
import { beforeEach, expect, it, vi } from "vitest";
import { people } from "../../../e2e/fixtures/overview";
import { App } from "../App";
import { createQueryClient } from "../queryClient";

const WEBHOOK = {
  name: "chat",
  url: "https://chat.example.org/in",
  types: [],
  subject: null,
  active: true,
  failures: 0,
  off_because: null,
  revision: 1,
  created_at: "2026-11-26T05:00:00Z",
  created_by: "ada",
};

let stored: Omit<typeof WEBHOOK, "off_because"> & { off_because: string | null };
let changes: string[];

async function open(person: keyof typeof people = "admin") {
  const page = (...items: unknown[]) => Response.json({ items, next_cursor: null });
  vi.stubGlobal("fetch", async (given: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(given instanceof Request ? given : new URL(String(given), location.origin), init);
    const { pathname } = new URL(request.url);
    if (request.method === "PATCH") {
      changes.push(`${request.headers.get("If-Match") ?? ""} ${await request.text()}`);
      if (request.headers.get("If-Match") === `"${stored.revision}"`) return Response.json(stored);
      return Response.json({ detail: "Somebody changed it.", code: "stale" }, { status: 412 });
    }
    if (pathname === "/api/v1/whoami") return Response.json(people[person]);
    if (pathname === "/api/v1/events/stream") return new Response(new ReadableStream());
    if (pathname === "/api/v1/event-types") {
      return Response.json([{ type: "AlertOpened", noun: "alerts", meaning: "Something is wrong." }]);
    }
    return pathname === "/api/v1/webhooks" ? page(stored) : page();
  });
  window.history.replaceState(null, "", "/settings?tab=webhooks&webhook=chat");
  render(
    <QueryClientProvider client={createQueryClient()}>
      <App />
    </QueryClientProvider>,
  );
  await screen.findByText(person === "admin" ? "Send a test" : /seen and made by admins/);
  return userEvent.setup();
}

beforeEach(() => {
  vi.stubGlobal("scrollTo", () => undefined);
  stored = WEBHOOK;
  changes = [];
});

it("makes a change by somebody else a choice, and loses nothing of what was typed", async () => {
  const user = await open();
  await user.click(screen.getByRole("button", { name: "Change" }));
  await user.type(await screen.findByLabelText("Only about"), "endpoints/bikes");
  stored = { ...WEBHOOK, revision: 2, url: "https://chat.example.org/other" };
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText(/told at https:\/\/chat.example.org\/other/)).toBeDefined();
  await user.click(screen.getByRole("button", { name: "Keep mine" }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  const mine = JSON.stringify({ url: WEBHOOK.url, types: [], subject: "endpoints/bikes" });
  await waitFor(() => expect(changes).toEqual([`"1" ${mine}`, `"2" ${mine}`]));
});

it("does not send a type that does not exist", async () => {
  const user = await open();
  await user.click(screen.getByRole("button", { name: "Change" }));
  await user.type(await screen.findByLabelText("Types of events"), "AlertOpened Nope");
  expect(await screen.findByText("There is no event Nope.")).toBeDefined();
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(changes).toEqual([]);
});

it("says why it was turned off", async () => {
  stored = { ...WEBHOOK, active: false, off_because: "Five deliveries in a row failed." };
  await open();
  expect(screen.getByText(/Five deliveries in a row failed/)).toBeDefined();
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
  expect(violations.map(({ id }) => id)).toEqual([]);
});

it("is not shown to who may not see it, with the reason", async () => {
  await open("viewer");
  expect(screen.getByText(/Needs a token with the scope admin/)).toBeDefined();
});
