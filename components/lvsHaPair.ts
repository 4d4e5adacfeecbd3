// The load balancer: directors in front of real servers.
import * as pulumi from "@pulumi/pulumi";
import { LvsNode } from "./lvsNode";
import { RealServer } from "./realServer";
import { virtualAddresses } from "./render/keepalived";
import type { Secrets, Settings } from "./settings";
import { SshAccess } from "./sshAccess";

export interface LvsHaPairArgs {
  /** Validated settings: `loadSettings()`. */
  settings: Settings;
  /** @default none: the SSH agent logs in, VRRP is not authenticated */
  secrets?: Secrets;
}

/**
 * Directors as active and standby in front of N real servers, by direct routing.
 * Real servers are ready before a director sends to them; directors change one at a time, the least preferred first.
 */
export class LvsHaPair extends pulumi.ComponentResource {
  readonly directors: LvsNode[] = [];
  readonly realServers: RealServer[];
  /** The virtual addresses, with their prefixes. */
  readonly virtualAddresses: string[];
  /** By virtual server, who is in its pool: `web 192.0.2.100:80 TCP` to `web1 192.0.2.21:80`. */
  readonly pool: Record<string, string[]>;
  /** By director, the lines of `ipvsadm -Ln` as it was after its last change. */
  readonly ipvsTables: pulumi.Output<Record<string, string[]>>;

  constructor(name: string, args: LvsHaPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:LvsHaPair", name, {}, opts);
    const { settings, secrets = {} } = args;
    const access = new SshAccess(`${name}-ssh`, { ssh: settings.ssh, secrets }, { parent: this });

    this.realServers = settings.realServers.flatMap((realServer) =>
      realServer.host
        ? [
            new RealServer(
              `${name}-${realServer.name}`,
              { host: realServer.host, settings, access },
              { parent: this },
            ),
          ]
        : [],
    );

    const tables: Record<string, pulumi.Output<string[]>> = {};
    // A bad change stops at the first director, the one that is least likely to hold the virtual addresses.
    const standbyFirst = settings.directors.toSorted((a, b) => a.priority - b.priority);
    for (const director of standbyFirst) {
      const node = new LvsNode(
        `${name}-${director.name}`,
        {
          director,
          settings,
          access,
          authPass: secrets.vrrpAuthPass,
          after: [...this.realServers, ...this.directors],
        },
        { parent: this },
      );
      this.directors.push(node);
      tables[director.name] = node.ipvsTable.apply((table) => table.split("\n"));
    }

    this.virtualAddresses = virtualAddresses(settings.virtualServers);
    this.pool = Object.fromEntries(
      settings.virtualServers.map(({ name: service, address, port, protocol, realServers }) => [
        `${service} ${address}:${port} ${protocol}`,
        realServers.map((member) => `${member.name} ${member.address}:${member.port}`),
      ]),
    );
    this.ipvsTables = pulumi.output(tables);
    this.registerOutputs({
      virtualAddresses: this.virtualAddresses,
      pool: this.pool,
      ipvsTables: this.ipvsTables,
    });
  }
}
