/** Data as it is, to be read or copied. */
import { Command } from "./Copy";

export function Json({ of, label }: { of: unknown; label: string }) {
  return <Command text={JSON.stringify(of ?? null, null, 2)} label={label} />;
}
