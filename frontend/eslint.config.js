/** Lint rules, among them who may import whom: routes -> features -> components | client | lib. */
import js from "@eslint/js";
import globals from "globals";
import reactHooks from "eslint-plugin-react-hooks";
import { readdirSync } from "node:fs";
import tseslint from "typescript-eslint";

/** Files of `folder` in src may not import from a path through any of `names`. */
const closed = (folder, names, message) => ({
  files: [`src/${folder}/**`],
  rules: {
    "no-restricted-imports": ["error", { patterns: [{ regex: `(^|/)(${names.join("|")})/`, message }] }],
  },
});

const features = readdirSync(new URL("src/features", import.meta.url));

const floors = [
  closed("components", ["routes", "features", "client"], "A component shows what it is given and knows no API."),
  closed("client", ["routes", "features", "components"], "The client knows only HTTP."),
  closed("lib", ["routes", "features", "components", "client"], "lib is plain functions."),
  ...features.map((name) =>
    closed(
      `features/${name}`,
      ["routes", "features", ...features.filter((other) => other !== name)],
      "A feature knows neither its page nor other features: compose them in a route.",
    ),
  ),
];

export default tseslint.config(
  { ignores: ["dist", "src/client/schema.d.ts"] },
  js.configs.recommended,
  { files: ["*.js"], languageOptions: { globals: globals.node } },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    extends: [reactHooks.configs.flat["recommended-latest"]],
  },
  ...floors,
);
