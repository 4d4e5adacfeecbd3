// The hosts in the stack config and their pinned keys. Read as it stands: before the first `pulumi up` keys may be missing yet.
import { z } from "zod";
import { configEntries } from "../config";
import { CouldNotLook } from "../exit";
import type { StackOptions } from "../pulumi";
import type { Login } from "../../components/host/openssh";
import type { Place } from "./scan";

/** A host of the config. */
export interface ConfigHost extends Place {
  name: string;
  hostKey?: string;
}

export interface ConfigHosts {
  hosts: ConfigHost[];
  /** The bastion that connections go through. */
  proxy?: Login;
}

/**
 * Reads the hosts from the stack config.
 * @throws CouldNotLook when they can't be made out
 */
export async function readConfigHosts(options: StackOptions): Promise<ConfigHosts> {
  const entries = await configEntries(options);
  const config = configSchema.safeParse(entries);
  if (!config.success) {
    throw new CouldNotLook(
      `the stack config's hosts can't be read: ${z.prettifyError(config.error)}`,
    );
  }
  const { ssh, directors, realServers } = config.data;
  const hosts = [...directors, ...realServers].flatMap(({ name, host, port, hostKey, managed }) =>
    host === undefined || !managed
      ? []
      : [{ name, host, port: port ?? ssh.port, ...(hostKey === undefined ? {} : { hostKey }) }],
  );
  if (ssh.proxy === undefined) return { hosts };
  const secrets = secretsSchema.parse(await configEntries(options, ["--show-secrets"]));
  return { hosts, proxy: { ...ssh.proxy, ...proxyLogin(secrets) } };
}

/** What logs in to the bastion: its own secrets, or those of the hosts. */
function proxyLogin(secrets: z.output<typeof secretsSchema>): Partial<Login> {
  const found = {
    password: secrets.sshProxyPassword ?? secrets.sshPassword,
    privateKey: secrets.sshProxyPrivateKey ?? secrets.sshPrivateKey,
    privateKeyPassword: secrets.sshPrivateKeyPassphrase,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

const host = z.object({
  name: z.string(),
  host: z.string().optional(),
  port: z.number().optional(),
  hostKey: z.string().optional(),
  managed: z.boolean().default(true),
});

const configSchema = z.object({
  directors: z.array(host).default([]),
  realServers: z.array(host).default([]),
  ssh: z
    .object({
      port: z.number().default(22),
      proxy: z
        .object({
          host: z.string(),
          port: z.number().default(22),
          user: z.string().default("root"),
          hostKey: z.string(),
        })
        .optional(),
    })
    .prefault({}),
});

const secretsSchema = z.object({
  sshPassword: z.string().optional(),
  sshPrivateKey: z.string().optional(),
  sshPrivateKeyPassphrase: z.string().optional(),
  sshProxyPassword: z.string().optional(),
  sshProxyPrivateKey: z.string().optional(),
});
