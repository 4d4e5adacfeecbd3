// Reads the stack's config from the engine. Every error is found before any host is touched, and
// all are reported at once.
import * as pulumi from "@pulumi/pulumi";
import { check, namespace, ownKey, type RawConfig, secretNames } from "./config";
import type { Secrets, Settings } from "./settings";

/**
 * Reads and checks the stack's config.
 * @throws RunError with a line for each error: key, value, what is allowed
 */
export function loadSettings(): { settings: Settings; secrets: Secrets } {
  // Only this environment variable of the language host says which keys are secret; the SDK's own
  // record is internal.
  const secretKeys = new Set(JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[]);
  const raw: RawConfig = new Map();
  const misplaced: string[] = [];
  for (const [whole, text] of Object.entries(pulumi.runtime.allConfig())) {
    const own = ownKey(whole);
    if (own === undefined) continue;
    if ("error" in own) misplaced.push(own.error);
    else raw.set(own.key, { text, secret: secretKeys.has(whole) });
  }
  const { settings, errors } = check(raw);
  if (settings === undefined || misplaced.length > 0) {
    throw new pulumi.RunError(report([...misplaced, ...errors]));
  }
  const config = new pulumi.Config(namespace);
  const secrets: Secrets = {};
  for (const name of secretNames) secrets[name] = config.getSecret(name);
  return { settings, secrets };
}

function report(errors: string[]): string {
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  return [
    `the stack config has ${count}; no host was touched:`,
    ...errors.map((e) => `  ${e}`),
  ].join("\n");
}
