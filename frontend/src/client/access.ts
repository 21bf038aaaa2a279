/** What the person may do, for controls that stay visible and say why they cannot be used. */
import { createContext, useContext } from "react";
import type { Whoami } from "./types";

export type Scope = "read" | "write" | "predict" | "approve" | "admin";

export const PersonContext = createContext<Whoami | null>(null);

export function usePerson(): Whoami {
  const person = useContext(PersonContext);
  if (!person) throw new Error("Nobody is signed in here.");
  return person;
}

/** Undefined when the person has the scope, else the sentence to show beside the control. */
export function useForbidden(scope: Scope): string | undefined {
  const { scopes, role } = usePerson();
  return scopes.includes(scope) ? undefined : `Needs a token with the scope ${scope}; yours is ${role}`;
}
