import js from "@eslint/js";
import globals from "globals";

// What would put data into the page as HTML, or need more than the strict CSP allows.
const htmlSinks = [
  { property: "innerHTML", message: "Data reaches the page as text." },
  { property: "outerHTML", message: "Data reaches the page as text." },
  { property: "insertAdjacentHTML", message: "Data reaches the page as text." },
  { object: "document", property: "write", message: "Data reaches the page as text." },
];

export default [
  { ignores: ["**/vendor/**", "node_modules/**", "static/headway/embed.js"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "eqeqeq": ["error", "always", { null: "ignore" }],
      "no-console": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": ["error", ...htmlSinks],
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: ["static/headway/**/*.js", "tests/js/frameworks/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/js/**/*.js", "eslint.config.js", "build-embed.js"], languageOptions: { globals: globals.node } },
];
