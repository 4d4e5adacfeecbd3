// Stack configs for tests, in the form that the engine passes.
import * as pulumi from "@pulumi/pulumi";
import type { LvsHaPairArgs } from "../../components";
import { check, type RawConfig } from "../../components/config";
import type { Settings } from "../../components/settings";

const key = (letter: string) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(43)}`;

type Entry = Record<string, unknown>;

/** A stack's plain config, which tests may change in any way. */
export interface Stack extends Record<string, unknown> {
  directors: [Entry, Entry, ...Entry[]];
  realServers: [Entry, Entry, ...Entry[]];
  virtualServers: [Entry, ...Entry[]];
}

/** The smallest complete stack: two directors, two real servers, one virtual server. */
export function smallStack(): Stack {
  return {
    directors: [
      { name: "lvs1", host: "10.10.0.11", hostKey: key("A"), vrrpAddress: "192.0.2.11/24" },
      { name: "lvs2", host: "10.10.0.12", hostKey: key("B"), vrrpAddress: "192.0.2.12/24" },
    ],
    realServers: [
      { name: "web1", host: "10.10.0.21", hostKey: key("C"), address: "192.0.2.21" },
      { name: "web2", host: "10.10.0.22", hostKey: key("D"), address: "192.0.2.22" },
    ],
    virtualServers: [{ name: "web", address: "192.0.2.100", port: 80 }],
  };
}

/** Plain values and secrets as raw config. */
export function raw(
  plain: Record<string, unknown>,
  secrets: Record<string, string> = {},
): RawConfig {
  const entries: RawConfig = new Map();
  for (const [name, value] of Object.entries(plain)) {
    entries.set(name, {
      text: typeof value === "string" ? value : JSON.stringify(value),
      secret: false,
    });
  }
  for (const [name, text] of Object.entries(secrets)) entries.set(name, { text, secret: true });
  return entries;
}

/** A program's args, from plain values and secrets. */
export function argsOf(
  plain: Record<string, unknown>,
  secrets: Record<string, string> = {},
): LvsHaPairArgs {
  const wrapped = Object.entries(secrets).map(
    ([name, text]) => [name, pulumi.secret(text)] as const,
  );
  const args: unknown = { ...plain, ...Object.fromEntries(wrapped) };
  return args as LvsHaPairArgs;
}

/** The settings of a config that must be valid. */
export function settingsOf(
  plain: Record<string, unknown>,
  secrets: Record<string, string> = {},
): Settings {
  const { settings, errors } = check(raw(plain, secrets));
  if (settings === undefined) throw new Error(errors.join("\n"));
  return settings;
}
