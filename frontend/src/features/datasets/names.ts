/** What a dataset may be called: the server's rule, said before it has to. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export const NAME_HELP = "Letters, digits, dots, dashes and underscores; it cannot be changed later.";

/** Why the name will not do; undefined while it is empty or fine. */
export function nameProblem(name: string): string | undefined {
  if (name === "" || NAME.test(name)) return undefined;
  if (name.length > 100) return "A name has at most 100 characters.";
  return /^[A-Za-z0-9]/.test(name)
    ? "Only letters, digits, dots, dashes and underscores."
    : "It must begin with a letter or a digit.";
}
