/** What a page loads at first, gzipped: the build fails when the shell is above its budget, or what a route adds to it. */
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const KB = 1000;
/** Of the page at `/` with all that it imports, and of any route's part beside it. Charts and graphs come later, by themselves. */
const MOST_KB = { shell: 300, route: 100 };

interface Part {
  gzipped: number;
  imports: readonly string[];
}

export function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const parts = new Map<string, Part>();
        let styles = 0; // all at once, with the page at `/`
        for (const [name, one] of Object.entries(bundle)) {
          const gzipped = gzipSync(one.type === "chunk" ? one.code : one.source).length;
          if (one.type === "chunk") parts.set(name, { gzipped, imports: one.imports });
          else if (name.endsWith(".css")) styles += gzipped;
        }
        const loaded = (name: string, found = new Set<string>()): Set<string> => {
          const part = parts.get(name);
          if (!part || found.has(name)) return found;
          found.add(name);
          part.imports.forEach((other) => loaded(other, found));
          return found;
        };
        const kilobytes = (names: Iterable<string>) =>
          [...names].reduce((sum, name) => sum + (parts.get(name)?.gzipped ?? 0), 0) / KB;
        const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
        const shell = loaded(chunks.find(({ isEntry }) => isEntry)?.fileName ?? "");
        const sizes = [
          { what: "the shell", size: kilobytes(shell) + styles / KB, most: MOST_KB.shell },
          ...chunks
            .filter(({ facadeModuleId }) => facadeModuleId?.endsWith("Page.tsx"))
            .map(({ name, fileName }) => ({
              what: name,
              size: kilobytes([...loaded(fileName)].filter((file) => !shell.has(file))),
              most: MOST_KB.route,
            })),
        ];
        const [first, ...routes] = sizes;
        const largest = routes.sort((a, b) => b.size - a.size).slice(0, 3);
        const said = [first, ...largest].map((one) => (one ? `${one.what} ${one.size.toFixed(0)} kB` : ""));
        this.info(`first load, gzipped: ${said.join(", ")}`);
        const above = sizes.filter(({ size, most }) => size > most);
        if (above.length > 0)
          this.error(above.map(({ what, size, most }) => `${what} is ${size.toFixed(0)} kB, above ${most}`).join("; "));
      },
    },
  };
}
