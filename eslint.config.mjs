// Typed linting; Pulumi's own rules catch an Output used as a string.
import eslint from "@eslint/js";
import pulumi from "@pulumi/eslint-plugin";
import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";

export default tseslint.config(
  // The example is a project of its own, with the package installed: tests/package compiles it there.
  { ignores: ["node_modules/", "coverage/", "dist/", "examples/program/"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { "@pulumi": pulumi },
    rules: {
      "@pulumi/no-output-instance-in-template-literal": "error",
      "@pulumi/no-output-in-template-literal": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    // What a host is meant to do is in its component's outputs: no config that we rendered is read back.
    files: ["ops/**/*.ts"],
    ignores: ["ops/import/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["**/import/syntax/*"],
              message: "keepalived.conf is read by lvs import alone; ask the model.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["**/*.mjs"],
    languageOptions: { globals: { console: "readonly", process: "readonly" } },
  },
  prettier,
);
