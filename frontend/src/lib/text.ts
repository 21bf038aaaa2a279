/** Small ways of writing things down. */

/** "check_model" and "CheckModel" -> "check model". */
export function words(name: string): string {
  return name
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])|[_-]+/g, " ")
    .trim()
    .toLowerCase();
}

/** "RunDataChecks" -> "Run data checks". */
export function sentence(name: string): string {
  const text = words(name);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const number = new Intl.NumberFormat("en");

/** "1 run", "12,000 runs". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number.format(count)} ${count === 1 ? one : many}`;
}

/** "datasets/bikes/versions/3" -> "bikes v3"; "models/bikes" -> "bikes"; anything else as it is. */
export function subjectLabel(subject: string): string {
  const match = /^[a-z-]+\/([^/]+)(?:\/versions\/(\d+))?$/.exec(subject);
  if (!match?.[1]) return subject;
  return match[2] ? `${match[1]} v${match[2]}` : match[1];
}
