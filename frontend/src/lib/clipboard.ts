/** Copies text, also on plain http, where browsers offer no clipboard API. */

/** Resolves to whether the text is now on the clipboard. */
export async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "offscreen";
  document.body.append(field);
  field.select();
  try {
    // Deprecated, and the only way on an insecure origin such as http://server.lan:8000.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    return document.execCommand("copy");
  } finally {
    field.remove();
  }
}
