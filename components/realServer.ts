// A real server: it answers for the virtual addresses without ever claiming them by ARP.
import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { LvsHaPairArgs } from "./args";
import { firewallBackends, renderRealServerFirewall } from "./firewall";
import { fileSums } from "./host/fileSums";
import { Host } from "./host/host";
import { chosen, take, type Taken } from "./inputs";
import { realServerModel } from "./model";
import { osProfiles } from "./os/profiles";
import { Parts } from "./parts";
import { parseSections, renderFiles, withoutEnd } from "./render/files";
import { ipvsEntries } from "./render/ipvs";
import { renderRealServerKernel } from "./render/kernel";
import { loopbackAddresses, type LoopbackAddress } from "./render/loopback";
import type { Drainable } from "./rollout";
import type { HostShape, RealServerShape } from "./settings";

/** Arguments of a {@link RealServer} by itself: the whole load balancer's, and the real server's name. */
export interface RealServerArgs extends LvsHaPairArgs {
  /** Its name in `realServers`; it must be `managed`. */
  realServer: string;
}

/**
 * A pair's real server.
 * @internal
 */
interface RealServerOfPair {
  realServer: ManagedRealServer;
  parts: Parts;
}

/** @internal */
type ManagedRealServer = RealServerShape & { host: HostShape };

/**
 * A host behind an LVS pair, set up for direct routing. An {@link LvsHaPair} has one for each real
 * server. By itself, it is for a program that sets up real servers while another sets up the directors;
 * the directors stop sending it new connections while it changes, as in a pair.
 */
export class RealServer extends pulumi.ComponentResource {
  /** The virtual addresses that the real server answers for. */
  readonly virtualAddresses: pulumi.Output<string[]>;
  /**
   * Resolves when the real server serves again.
   * @internal
   */
  readonly serves: Promise<pulumi.Resource>;

  /** @throws pulumi.RunError as {@link LvsHaPair} does */
  constructor(name: string, args: RealServerArgs, opts?: pulumi.ComponentResourceOptions);
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- @internal: not in the package's types
  constructor(name: string, args: RealServerOfPair, opts?: pulumi.ComponentResourceOptions);
  constructor(
    name: string,
    args: RealServerArgs | RealServerOfPair,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const given = "parts" in args ? args : alone(name, args);
    super("lvs-ha:index:RealServer", name, {}, opts);
    const parts = "parts" in given ? given.parts : new Parts(name, given.taken, this);
    const { realServer } = given;
    const { shape, settings, access, hooks, rollout } = parts;
    const own = realServer.name;
    const os = osProfiles[realServer.host.os];
    const carried = settings.apply((known) => loopbackAddresses(known, own));
    this.virtualAddresses = carried.apply((all) => all.map(({ address }) => address));
    const texts = {
      kernel: settings.apply(renderRealServerKernel),
      firewall: settings.apply((known) => renderRealServerFirewall(known, own)),
      vip: carried.apply((all) =>
        lines(all)
          .map((line) => `${line}\n`)
          .join(""),
      ),
    };

    const host = new Host(name, realServer.host, { ...access.to(realServer.host), hooks }, this);
    host.waitFor(rollout.ready);
    host.prepare(
      settings.apply(({ kernel }) => ({
        role: "real-server" as const,
        system: [os.id, os.release] as [string, string],
        conntrackMax: kernel.realServerConntrackMax,
        interfaces: [],
        packages: [
          ...os.packages.realServer,
          ...firewallBackends[shape.firewall].packages,
          ...shape.packages,
        ],
      })),
    );
    const self: Drainable = {
      name: own,
      inMaintenance: realServer.inMaintenance,
      place: settings.apply((known) => ({
        addresses: Object.values(
          known.realServers.find((one) => one.name === own)?.addresses ?? {},
        ),
        entries: ipvsEntries(known, own),
      })),
    };
    const system: remote.Command = host.system(
      [
        { script: "kernel.sh", text: texts.kernel },
        { script: "firewall.sh", args: [shape.firewall], text: texts.firewall },
        { script: "vip.sh", text: texts.vip },
      ],
      {
        before: () => rollout.suspend(self, this),
        failed: () => {
          rollout.fail(self);
        },
      },
    );
    this.serves = new Promise((resolve, reject) => {
      // The URN is known once the system command is done. In a preview, nothing has been suspended.
      system.urn.apply(() => {
        rollout.restore(self, this).then(() => {
          resolve(system);
        }, reject);
      });
    });
    // No other real server waits for this: it comes after the real server serves again.
    if (shape.metricsIntervalSeconds !== undefined) {
      host.command("metrics", {
        script: "metrics.sh",
        args: ["real-server", "serving", String(shape.metricsIntervalSeconds)],
        stdin: pulumi
          .all([texts.kernel, texts.firewall, carried])
          .apply(([kernel, firewall, all]) =>
            fileSums([
              kernel,
              firewall,
              renderFiles({ "/etc/lvs-ha/virtual-addresses": lines(all) }),
            ]),
          ),
      });
    }

    this.registerOutputs({
      virtualAddresses: this.virtualAddresses,
      // As in LvsNode: the model of what the host has.
      model: pulumi
        .all([system.stdin, texts.vip, carried])
        .apply(([stdin, wanted, all]) =>
          addressesIn(stdin) === wanted ? realServerModel(all) : undefined,
        ),
    });
  }
}

/** Checks args, and finds the real server that they name. */
function alone(
  name: string,
  { realServer: meant, ...args }: RealServerArgs,
): { taken: Taken; realServer: ManagedRealServer } {
  const of = `RealServer "${name}"`;
  const taken = take(of, args);
  const managed = taken.shape.realServers.flatMap(({ host, ...rest }) =>
    host === undefined ? [] : [{ ...rest, host }],
  );
  return { taken, realServer: chosen(of, "realServer", meant, managed) };
}

/** A line for each address, as vip.sh reads them. */
function lines(carried: LoopbackAddress[]): string[] {
  return carried.map(({ address, interface: device }) => `${address} ${device}`);
}

/** The virtual addresses in the system command's input. */
function addressesIn(stdin = ""): string | undefined {
  return parseSections(withoutEnd(stdin)).find(({ words }) => words[0] === "vip.sh")?.text;
}
