// The load balancer: directors in front of real servers.
import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { DeletionProtection, protect } from "./deletionProtection";
import { LvsNode, startSeconds } from "./lvsNode";
import { Hooks } from "./host/hooks";
import { scriptTexts } from "./host/scripts";
import { HostScripts } from "./hostScripts";
import { RealServer } from "./realServer";
import { endpoint } from "./render/ipvs";
import { virtualAddresses } from "./render/keepalived";
import { Rollout } from "./rollout";
import type { Secrets, Settings, VirtualServerSettings } from "./settings";
import { SshAccess } from "./sshAccess";

/** Arguments of {@link LvsHaPair}. */
export interface LvsHaPairArgs {
  /** Validated settings, from `loadSettings()`. */
  settings: Settings;
  /** The stack's secrets. @default none: the SSH agent logs in, and VRRP is not authenticated */
  secrets?: Secrets;
}

/**
 * An active and one or more standby directors in front of N real servers, by direct routing. Real
 * servers are ready before a director sends to them, and change a few at a time, without new
 * connections meanwhile. Directors change one at a time, the least preferred first.
 */
export class LvsHaPair extends pulumi.ComponentResource {
  readonly directors: LvsNode[];
  readonly realServers: RealServer[] = [];
  /** The virtual addresses, with their prefixes. */
  readonly virtualAddresses: string[];
  /** The real servers of each virtual server: `web 192.0.2.100:80 TCP` to `web1 192.0.2.21:80`. */
  readonly pool: Record<string, string[]>;
  /** By director, the lines of `ipvsadm -Ln` after its last change. */
  readonly ipvsTables: pulumi.Output<Record<string, string[]>>;

  constructor(name: string, args: LvsHaPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:LvsHaPair", name, {}, opts);
    const { settings, secrets = {} } = args;
    const access = new SshAccess(`${name}-ssh`, { ssh: settings.ssh, secrets }, { parent: this });

    const hooks = new Hooks(name, async (change) => {
      if (settings.deletionProtection) await protection.check(change);
    });
    new HostScripts(`${name}-scripts`, { files: scriptTexts() }, { parent: this });

    // A bad change stops at the first director, which is the least likely to hold the virtual
    // addresses.
    const standbyFirst = settings.directors.toSorted((a, b) => a.priority - b.priority);
    const logins = standbyFirst.map((director) => ({ director, login: access.to(director) }));
    // Every change of a host asks the directors first, so their logins must work.
    const canLogIn = logins.flatMap(({ director, login }) =>
      director.inMaintenance ? [] : login.ready,
    );
    this.directors = logins.map(
      ({ director, login: { connection, ready: own } }) =>
        new LvsNode(
          `${name}-${director.name}`,
          {
            director,
            settings,
            login: { connection, ready: [...new Set([...own, ...canLogIn])] },
            hooks,
            authPass: secrets.vrrpAuthPass,
          },
          { parent: this },
        ),
    );

    const serving = this.directors.filter((_, i) => !standbyFirst[i]?.inMaintenance);
    // Directors in maintenance don't run keepalived, and nothing waits for them.
    const atRest = this.directors.filter((node) => !serving.includes(node));
    // Sorted by name, so that every run asks in the same order.
    const asked = serving
      .map(({ session }) => session)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const protection = new DeletionProtection(
      settings,
      {
        serving: asked,
        inMaintenance: atRest.map(({ session }) => session),
      },
      startSeconds(settings),
    );
    const rollout = new Rollout({
      directors: asked,
      ready: canLogIn,
      ...settings.rollout,
    });
    const stand: pulumi.Input<pulumi.Resource>[] = [];
    for (const { host, inMaintenance } of settings.realServers) {
      if (host === undefined) continue;
      const realServer = new RealServer(
        `${name}-${host.name}`,
        { host, settings, access, hooks, rollout },
        { parent: this },
      );
      this.realServers.push(realServer);
      // Nothing waits for a host in maintenance, which may be off.
      if (!inMaintenance) stand.push(realServer, realServer.serves);
    }

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
        { director: preferred.host, isOn: settings.deletionProtection },
        [...this.directors, ...this.realServers, ...withdrawn, ...joined, ...asides],
        this,
      );
    }

    this.virtualAddresses = virtualAddresses(settings);
    this.pool = Object.fromEntries(
      settings.virtualServers.map((service) => [
        `${service.name} ${serviceText(service)}`,
        service.realServers.map(
          (member) => `${member.name} ${endpoint(member.address, member.port)}`,
        ),
      ]),
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
