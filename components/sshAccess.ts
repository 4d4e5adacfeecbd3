// The stack's logins: every host key is pinned, and on request the stack has its own deploy key.
import { remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { SshLogin } from "./host/host";
import { program, script } from "./host/scripts";
import type { Secrets } from "./inputs";
import { hostSettings, type HostSettings, type HostShape, type Settings } from "./settings";

type Connection = types.input.remote.ConnectionArgs;

/** What proves the user's identity to a host; if empty, the SSH agent does. */
type Credentials = Partial<
  Record<"password" | "privateKey" | "privateKeyPassword", pulumi.Output<string>>
>;

/** Arguments of {@link SshAccess}. */
export interface SshAccessArgs {
  /** `ssh.managedKey` */
  managedKey: boolean;
  settings: pulumi.Output<Settings>;
  /**
   * Credentials for the first login: `sshPassword`, `sshPrivateKey` …; without any, the SSH agent
   * logs in.
   */
  secrets: Secrets;
}

/**
 * Logins to the stack's hosts. `ssh.managedKey` creates an ED25519 key, which the first login
 * installs and all later commands use. Replacing the key (`pulumi up --replace`) rotates it on
 * every host.
 */
export class SshAccess extends pulumi.ComponentResource {
  /** The deploy key's public half; undefined if the stack manages none. */
  readonly publicKey?: pulumi.Output<string>;

  private readonly deployKey?: tls.PrivateKey;

  constructor(
    private readonly name: string,
    private readonly args: SshAccessArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("lvs-ha:index:SshAccess", name, {}, opts);
    if (args.managedKey) {
      this.deployKey = new tls.PrivateKey(
        `${name}-deploy-key`,
        { algorithm: "ED25519" },
        { parent: this },
      );
      this.publicKey = this.deployKey.publicKeyOpenssh.apply((key) => key.trim());
    }
    this.registerOutputs({ publicKey: this.publicKey });
  }

  /** The login for a host's commands. */
  to(host: HostShape): SshLogin {
    const { secrets, settings } = this.args;
    const own = settings.apply((known) => hostSettings(known, host.name));
    const address = own.apply(({ host: known }) => known);
    const first = connection(own, this.args, {
      password: secrets.sshPassword,
      privateKey: secrets.sshPrivateKey,
      privateKeyPassword: secrets.sshPrivateKeyPassphrase,
    });
    if (this.deployKey === undefined || this.publicKey === undefined) {
      return { address, connection: first, ready: [] };
    }
    // authorize.sh finds this resource's keys by their comment.
    const line = pulumi.interpolate`${this.publicKey} lvs-ha:${pulumi.getStack()}:${this.name}-${host.name}/${address}`;
    const authorize = new remote.Command(
      `${this.name}-${host.name}-authorize`,
      {
        connection: first,
        create: pulumi.interpolate`sh -s -- add '${line}'`,
        delete: pulumi.interpolate`sh -s -- remove '${line}'`,
        stdin: program(script("authorize.sh")),
        logging: remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
        triggers: [address],
      },
      { parent: this },
    );
    const deployed = { privateKey: this.deployKey.privateKeyOpenssh };
    return { address, connection: connection(own, this.args, deployed), ready: [authorize] };
  }
}

/**
 * A connection. It waits until every value of the program is known and valid, so that no host is logged
 * in to before. Sets each field explicitly: an unknown field in a connection would print the private key
 * (pulumi-command#773).
 */
function connection(
  host: pulumi.Output<HostSettings>,
  { settings, secrets }: SshAccessArgs,
  credentials: Credentials,
): pulumi.Output<Connection> {
  return pulumi
    .all([host, settings.apply((known) => known.ssh), pulumi.all(secrets), pulumi.all(credentials)])
    .apply(([own, ssh, given, { password, privateKey, privateKeyPassword }]) => {
      const limits = {
        agentSocketPath: ssh.agentSocketPath,
        dialErrorLimit: ssh.dialErrorLimit,
        perDialTimeout: ssh.perDialTimeoutSeconds,
      };
      return {
        ...limits,
        host: own.host,
        port: own.port,
        user: own.user,
        hostKey: own.hostKey,
        password,
        privateKey,
        privateKeyPassword,
        proxy: ssh.proxy && {
          ...limits,
          host: ssh.proxy.host,
          port: ssh.proxy.port,
          user: ssh.proxy.user,
          hostKey: ssh.proxy.hostKey,
          password: given.sshProxyPassword ?? given.sshPassword,
          privateKey: given.sshProxyPrivateKey ?? given.sshPrivateKey,
          privateKeyPassword: given.sshPrivateKeyPassphrase,
        },
      };
    });
}
