// The hosts in the stack config with their pinned keys. Before the first `pulumi up` keys may be
// missing, so the config is read unchecked.
import { z } from "zod";
import { schema, type secretSchema } from "../../components/schema";
import { configEntries } from "../config";
import { CouldNotLook } from "../exit";
import type { StackOptions } from "../pulumi";
import type { Login } from "../../components/host/openssh";
import type { Place } from "./scan";

/** A host in the config. */
export interface ConfigHost extends Place {
  name: string;
  hostKey?: string;
}

/** The hosts in the config, and the way to them. */
export interface ConfigHosts {
  hosts: ConfigHost[];
  /** The bastion, if connections go through one. */
  proxy?: Login;
}

/**
 * Reads the hosts from the stack config.
 * @throws CouldNotLook when the config's hosts can't be read
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

/** The login to the bastion: its own secrets, or those of the hosts. */
function proxyLogin(secrets: z.output<typeof secretsSchema>): Partial<Login> {
  const found = {
    password: secrets.sshProxyPassword ?? secrets.sshPassword,
    privateKey: secrets.sshProxyPrivateKey ?? secrets.sshPrivateKey,
    privateKeyPassword: secrets.sshPrivateKeyPassphrase,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

// The config may not be valid yet: `lvs-ha import` writes FILL_IN. The schema supplies the
// defaults.
const text = z.string();
const sshShape = schema.ssh.unwrap().shape;
const proxyShape = sshShape.proxy.unwrap().shape;

const host = z.object({
  name: text,
  host: text.optional(),
  port: z.number().optional(),
  hostKey: text.optional(),
  managed: schema.realServers.element.shape.managed,
} satisfies ShapeOf<typeof schema.realServers.element.shape>);

const configSchema = z.object({
  directors: z.array(host).default([]),
  realServers: z.array(host).default([]),
  ssh: z
    .object({
      port: sshShape.port,
      proxy: z
        .object({
          host: text,
          port: proxyShape.port,
          user: proxyShape.user,
          hostKey: text,
        } satisfies ShapeOf<typeof proxyShape>)
        .optional(),
    } satisfies ShapeOf<typeof sshShape>)
    .prefault({}),
} satisfies ShapeOf<typeof schema>);

const secretsSchema = z
  .object({
    sshPassword: text,
    sshPrivateKey: text,
    sshPrivateKeyPassphrase: text,
    sshProxyPassword: text,
    sshProxyPrivateKey: text,
  } satisfies ShapeOf<typeof secretSchema>)
  .partial();

/** The shape of a partial config: some of the keys, and no others. */
type ShapeOf<Whole> = Partial<Record<keyof Whole, z.ZodType>>;
