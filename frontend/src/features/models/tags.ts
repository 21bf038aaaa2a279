/** Tags as people write them: `team:rides, old`. Pure. */

export function tagsText(tags: Record<string, string>): string {
  return Object.entries(tags)
    .map(([key, value]) => (value ? `${key}:${value}` : key))
    .join(", ");
}

/** What to send so that the tags are as the text says: null takes one away. */
export function tagChanges(old: Record<string, string>, text: string): Record<string, string | null> {
  const wanted = Object.fromEntries(
    text
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean)
      .map((one) => {
        const [key = "", ...value] = one.split(":");
        return [key.trim(), value.join(":").trim()];
      }),
  );
  const gone = Object.keys(old).filter((key) => !(key in wanted));
  const set = Object.entries(wanted).filter(([key, value]) => old[key] !== value);
  return Object.fromEntries([...set, ...gone.map((key) => [key, null] as const)]);
}
