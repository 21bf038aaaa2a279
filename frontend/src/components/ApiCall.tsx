/** The HTTP request behind a button, to be copied: whatever the page does, a script can do. */
import { Code } from "lucide-react";
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { Command } from "./Copy";
import styles from "./ApiCall.module.css";

export interface Described {
  method: string;
  path: string;
  body: unknown;
  headers: Record<string, string>;
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The request for a shell; the token comes from the environment, as `millrace env` sets it. */
export function asCurl({ method, path, body, headers }: Described, origin: string): string {
  const lines = [`curl -X ${method} ${quote(origin + path)}`, `-H "Authorization: Bearer $MILLRACE_TOKEN"`];
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quote(`${name}: ${value}`)}`);
  if (typeof body === "string" && headers["Content-Type"]) lines.push(`--data-binary ${quote(body)}`);
  else if (body !== undefined) lines.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`);
  return lines.join(" \\\n  ");
}

export function ApiCall({ call }: { call: Described }) {
  return (
    <DialogTrigger>
      <AriaButton className={styles.opener ?? ""} aria-label={`The API call: ${call.method} ${call.path}`}>
        <Code size={15} aria-hidden />
      </AriaButton>
      <Popover className={styles.popover ?? ""} placement="bottom end">
        <Dialog className={styles.dialog ?? ""} aria-label="The API call that does the same">
          <p className={styles.title}>The same by HTTP</p>
          <Command text={asCurl(call, window.location.origin)} />
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
