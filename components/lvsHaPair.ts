// The load balancer: directors in front of real servers.
import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { LvsHaPairArgs } from "./args";
import { protect } from "./deletionProtection";
import { take } from "./inputs";
import { LvsNode } from "./lvsNode";
import { Parts } from "./parts";
import { RealServer } from "./realServer";
import { endpoint } from "./render/ipvs";
import { virtualAddresses } from "./render/keepalived";
import type { VirtualServerSettings } from "./settings";

/**
 * An active and one or more standby directors in front of N real servers. Real servers are ready
 * before a director sends to them, and change a few at a time, without new connections meanwhile.
 * Directors change one at a time, the least preferred first.
 */
export class LvsHaPair extends pulumi.ComponentResource {
  readonly directors: LvsNode[];
  readonly realServers: RealServer[];
  /** The virtual addresses, with their prefixes. */
  readonly virtualAddresses: pulumi.Output<string[]>;
  /** The real servers of each virtual server: `web 192.0.2.100:80 TCP` to `web1 192.0.2.21:80`. */
  readonly pool: pulumi.Output<Record<string, string[]>>;
  /** By director, the lines of `ipvsadm -Ln` after its last change. */
  readonly ipvsTables: pulumi.Output<Record<string, string[]>>;
  /** The deploy key's public half; undefined without `ssh.managedKey`. */
  readonly deployKey?: pulumi.Output<string>;

  /**
   * @param name unique in the program; every resource's name begins with it
   * @throws pulumi.RunError with a line for each error: key, value, what is allowed. A wrong Output fails
   * the run once it is known, before any host is logged in to
   */
  constructor(name: string, args: LvsHaPairArgs, opts?: pulumi.ComponentResourceOptions) {
    const taken = take(`LvsHaPair "${name}"`, args);
    super("lvs-ha:index:LvsHaPair", name, {}, opts);
    const parts = new Parts(name, taken, this);
    const { shape, settings, access } = parts;
    this.deployKey = access.publicKey;
    this.directors = parts.directors.map(
      (director) =>
        new LvsNode(`${name}-${director.shape.name}`, { director, parts }, { parent: this }),
    );
    const serving = this.directors.filter((_, i) => !parts.directors[i]?.shape.inMaintenance);
    // Directors in maintenance don't run keepalived, and nothing waits for them.
    const atRest = this.directors.filter((node) => !serving.includes(node));

    const stand: pulumi.Input<pulumi.Resource>[] = [];
    this.realServers = shape.realServers.flatMap((shaped) => {
      if (shaped.host === undefined) return [];
      const { host, inMaintenance } = shaped;
      const args = { realServer: { ...shaped, host }, parts };
      const realServer = new RealServer(`${name}-${host.name}`, args, { parent: this });
      // Nothing waits for a host in maintenance, which may be off.
      if (!inMaintenance) stand.push(realServer, realServer.serves);
      return [realServer];
    });

    const asides = atRest.map((node) => node.withdraw([], false, this));
    const withdrawn: remote.Command[] = [];
    for (const [i, node] of serving.entries()) {
      const after = [...stand, ...withdrawn.slice(-1)];
      withdrawn.push(node.withdraw(after, i === serving.length - 1, this));
    }
    const ready = [...stand, ...withdrawn];
    for (const node of this.directors) {
      node.serve([...ready]);
      if (serving.includes(node)) ready.push(node);
    }
    const joined: remote.Command[] = [];
    for (const [i, node] of serving.toReversed().entries()) {
      const [told] = joined.slice(-1);
      joined.push(node.join(serving, { withdrawn, told, last: i === serving.length - 1 }, this));
    }
    asides.push(...atRest.map((node) => node.join([node], { withdrawn: [], last: false }, this)));

    // The serving director that most likely holds the virtual addresses.
    const [preferred] = serving.slice(-1);
    if (preferred) {
      protect(
        name,
        { director: preferred.host, isOn: shape.deletionProtection },
        [...this.directors, ...this.realServers, ...withdrawn, ...joined, ...asides],
        this,
      );
    }

    this.virtualAddresses = settings.apply(virtualAddresses);
    this.pool = settings.apply(({ virtualServers }) =>
      Object.fromEntries(
        virtualServers.map((service) => [
          `${service.name} ${serviceText(service)}`,
          service.realServers.map(
            (member) => `${member.name} ${endpoint(member.address, member.port)}`,
          ),
        ]),
      ),
    );
    const tables = joined.toReversed().map(({ stdout }) => stdout.apply(tableBelow));
    this.ipvsTables = pulumi.output(
      Object.fromEntries(
        this.directors.map((node) => [
          node.host.shortName,
          (tables[serving.indexOf(node)] ?? node.ipvsTable).apply((table) => table.split("\n")),
        ]),
      ),
    );
    this.registerOutputs({
      virtualAddresses: this.virtualAddresses,
      pool: this.pool,
      ipvsTables: this.ipvsTables,
    });
  }
}

/** A service's name as in ipvsadm(8): `192.0.2.100:80 TCP` or `fwmark 1`. */
function serviceText(service: VirtualServerSettings): string {
  return service.fwmark === undefined
    ? `${endpoint(service.address, service.port)} ${service.protocol}`
    : `fwmark ${service.fwmark}`;
}

/** The table that `peers.sh join` prints after an empty line. */
function tableBelow(text: string): string {
  const [, table = text] = /\n\n([^]*)/.exec(`\n${text}`) ?? [];
  return table;
}
