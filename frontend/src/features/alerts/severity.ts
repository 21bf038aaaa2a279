import type { Tone } from "../../lib/tone";

/** An error is red; what is merely worth a look is amber. */
export function severityTone(severity: string): Tone {
  return severity === "error" ? "failed" : "attention";
}
