import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import axe from "axe-core";
import { describe, expect, it, vi } from "vitest";
import { people } from "../../../e2e/fixtures/overview";
import type { Whoami } from "../../client/types";
import type { Promotion } from "../../features/promotions/api";
import { check, promotion } from "../../features/promotions/fixture";
import { App } from "../App";
import { createQueryClient } from "../queryClient";

/** Opens the page of a decision, as somebody; what is sent to the server is kept. */
async function open(decision: Promotion, person: Whoami = people.admin) {
  const sent: { path: string; body: unknown }[] = [];
  vi.stubGlobal("fetch", async (input: Request | string) => {
    const request = typeof input === "string" ? new Request(new URL(input, window.location.origin)) : input;
    const path = new URL(request.url).pathname;
    if (request.method === "POST") sent.push({ path, body: await request.json().catch(() => null) });
    if (path === "/api/v1/whoami") return Response.json(person);
    if (path === "/api/v1/events/stream") return new Response(new ReadableStream());
    if (path.endsWith("/replays")) return Response.json([]);
    if (path.startsWith("/api/v1/promotions/")) return Response.json(decision);
    return Response.json({ items: [], next_cursor: null });
  });
  // What jsdom does not have: dialogs ask for the one, the router for the other.
  vi.stubGlobal("CSS", { escape: (text: string) => text });
  vi.stubGlobal("scrollTo", () => undefined);
  window.history.pushState({}, "", `/promotions/${decision.id}`);
  const page = render(
    <QueryClientProvider client={createQueryClient()}>
      <App />
    </QueryClientProvider>,
  );
  await screen.findByRole("heading", { level: 1, name: /Promotion of income v3/ });
  return { ...page, sent, user: userEvent.setup() };
}

const HOSTILE = "<img src=x onerror=alert(1)>";
const REFUSED = promotion({
  gates: [
    { gate: "metric", metric: "log_loss" },
    { gate: "champion", metric: "log_loss", slice_margin: 0.05 },
  ],
  verdicts: [
    { gate: "metric", verdict: "fail", message: `log_loss is 0.34 on 4884 rows ${HOSTILE}` },
    { gate: "champion", verdict: "inconclusive", message: "These rows cannot tell" },
  ],
  evidence: {
    checks: [check({ verdict: "fail", value: 0.34, low: 0.32, high: 0.36, threshold: "at most 0.33" })],
    // Without a comparison there is no chart, which jsdom could not draw.
    missing: ["No frozen rows are left that neither was trained on."],
  },
});

describe("a refused promotion", () => {
  it("says which gate, the number against its bound, and what to do next", async () => {
    await open(REFUSED);
    const summary = screen.getByText("Refused by 2 of 2 gates").closest<HTMLElement>("[role]");
    expect(within(summary ?? document.body).getByText(/0\.34 is 0\.01 above 0\.33/)).toBeDefined();
    expect(within(summary ?? document.body).getByText(/Bring what is missing, then ask again/)).toBeDefined();
  });

  it("runs no script that hides in a message", async () => {
    const { container } = await open(REFUSED);
    expect(screen.getByText(new RegExp("onerror=alert"))).toBeDefined();
    expect(container.querySelector("img")).toBeNull();
  });

  it("is overridden with a reason only", async () => {
    const { user, sent } = await open(REFUSED);
    await user.click(screen.getByRole("button", { name: "Override…" }));
    const dialog = screen.getByRole("dialog");
    expect(within(dialog).getByRole<HTMLButtonElement>("button", { name: /Override the gates/ }).ariaDisabled).toBe(
      "true",
    );
    await user.type(within(dialog).getByLabelText("Why"), "outage");
    await user.click(within(dialog).getByRole("button", { name: /Override the gates/ }));
    expect(sent).toEqual([{ path: `/api/v1/promotions/${REFUSED.id}/override`, body: { reason: "outage" } }]);
  });

  it("has no accessibility violations", async () => {
    const { container } = await open(REFUSED);
    // jsdom draws nothing, so it cannot judge colours.
    const { violations } = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`).filter((one) => !one.includes("Search")),
    ).toEqual([]);
  });
});

describe("a promotion that waits for approval", () => {
  const waiting = (by: string) => promotion({}, { state: "awaiting_approval", requested_by: by });

  it("is not for its author to approve, and says so", async () => {
    await open(waiting(people.admin.name));
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Approve" }).ariaDisabled).toBe("true");
    expect(screen.getByText("You asked for it: somebody else must agree")).toBeDefined();
  });

  it("stays visible to who may not approve, with the reason", async () => {
    await open(waiting("ann"), { name: "vera", role: "viewer", scopes: ["read"] });
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Approve" }).ariaDisabled).toBe("true");
    expect(screen.getAllByText(/Needs a token with the scope approve; yours is viewer/)).toHaveLength(2);
  });
});
