/** A state or verdict as the server names it, in its tone: "rolled back" in red. */
import { toneOf } from "../lib/states";
import { words } from "../lib/text";
import { Tag } from "./Tag";

export function State({ of }: { of: string | null | undefined }) {
  return of ? <Tag tone={toneOf(of)}>{words(of)}</Tag> : <span>–</span>;
}
