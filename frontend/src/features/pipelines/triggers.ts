/** What sets a pipeline off, in words. */
import { duration } from "../../lib/time";
import type { Trigger } from "./api";

export function triggerText(trigger: Trigger): string {
  switch (trigger.on) {
    case "dataset_version":
      return `a new version of ${trigger.dataset}`;
    case "drift":
      return `drift at ${trigger.endpoint}, if the governor agrees`;
    case "schedule":
      return `every ${duration(trigger.every_seconds)}`;
    case "code":
      return `code of ${trigger.repository}${trigger.branch ? ` on ${trigger.branch}` : ""}${trigger.paths.length > 0 ? ` in ${trigger.paths.join(", ")}` : ""}`;
  }
}
