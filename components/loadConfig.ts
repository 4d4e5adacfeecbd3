// Reads the stack's config from the engine. Every error is found before any host is touched, and
// all are reported at once.
import * as pulumi from "@pulumi/pulumi";
import type { LvsHaPairArgs } from "./args";
import { check, namespace, ownKey, plainValue, type RawConfig, secretNames } from "./config";

/**
 * Reads and checks the stack's config: the keys of the namespace `lvs-ha`, as args of an {@link LvsHaPair}.
 * @throws pulumi.RunError with one line an error: key, value, what is allowed.
 */
export function loadConfig(): LvsHaPairArgs {
  // Which keys are secret is said by the language host in the environment only; the SDK keeps it internal.
  const secretKeys = new Set(JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[]);
  const raw: RawConfig = new Map();
  const misplaced: string[] = [];
  for (const [whole, text] of Object.entries(pulumi.runtime.allConfig())) {
    const own = ownKey(whole);
    if (own === undefined) continue;
    if ("error" in own) misplaced.push(own.error);
    else raw.set(own.key, { text, secret: secretKeys.has(whole) });
  }
  const { errors } = check(raw);
  if (misplaced.length > 0 || errors.length > 0) {
    throw new pulumi.RunError(report([...misplaced, ...errors]));
  }
  const config = new pulumi.Config(namespace);
  const values = [...raw].map(([key, { text }]) => [
    key,
    (secretNames as string[]).includes(key) ? config.requireSecret(key) : plainValue(text),
  ]);
  // It has been checked.
  return Object.fromEntries(values) as LvsHaPairArgs;
}

function report(errors: string[]): string {
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  return [
    `the stack config has ${count}; no host was touched:`,
    ...errors.map((e) => `  ${e}`),
  ].join("\n");
}
