/** Checking a version again, with the suite that counts now. */
import { useForbidden } from "../../../client/access";
import { Action } from "../../../components/Action";
import { calls } from "../api";

export function RunChecks({ name, number }: { name: string; number: number }) {
  return (
    <Action call={calls.run(name, number)} forbidden={useForbidden("write")}>
      Run checks
    </Action>
  );
}
