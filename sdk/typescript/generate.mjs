// `node generate.mjs OPENAPI`: src/generated out of the API's description, a function for each operation.
// The tools are the dashboard's: nothing is installed here.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const here = new URL(".", import.meta.url);
const [source] = process.argv.slice(2);
const document = JSON.parse(readFileSync(source, "utf8"));
mkdirSync(new URL("src/generated", here), { recursive: true });
const schema = new URL("src/generated/schema.ts", here).pathname;
execFileSync(process.execPath, [new URL("../../frontend/node_modules/openapi-typescript/bin/cli.js", here).pathname, source, "-o", schema], {
  stdio: ["ignore", "ignore", "inherit"],
});

const camel = (id) => id.replace(/_+([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const comment = (text) => text.replaceAll("*/", "* /").replace(/\s+/g, " ").trim();
const lines = [];
for (const [path, item] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    if (!operation.operationId) continue;
    const id = operation.operationId;
    const ok = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
    const kinds = ok.flatMap(([, response]) => Object.keys(response.content ?? {}));
    const what = `"${method.toUpperCase()}", ${JSON.stringify(path)}`;
    lines.push(`    /** ${comment(operation.description ?? operation.summary ?? id)} */`);
    lines.push(
      kinds.includes("text/event-stream")
        ? `    ${camel(id)}: (...args: Arguments<"${id}">): AsyncGenerator<Message> => follow(${what}, args[0]),`
        : `    ${camel(id)}: (...args: Arguments<"${id}">): Promise<Data<"${id}">> => call(${what}, args[0]),`,
    );
  }
}
writeFileSync(
  new URL("src/generated/operations.ts", here),
  `// Generated from the API's description.
import type { Arguments, Call, Data, Follow, Message } from "../types.js";

export function operations(call: Call, follow: Follow) {
  return {
${lines.join("\n")}
  };
}
`,
);
