// A real server: it answers for the virtual addresses without ever claiming them by ARP.
import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { firewallBackends, renderRealServerFirewall } from "./firewall";
import { fileSums } from "./host/fileSums";
import type { Hooks } from "./host/hooks";
import { Host } from "./host/host";
import { realServerModel } from "./model";
import { osProfiles } from "./os/profiles";
import { parseSections, renderFiles, withoutEnd } from "./render/files";
import { ipvsEntries } from "./render/ipvs";
import { renderRealServerKernel } from "./render/kernel";
import { loopbackAddresses } from "./render/loopback";
import type { Drainable, Rollout } from "./rollout";
import type { HostSettings, Settings } from "./settings";
import type { SshAccess } from "./sshAccess";

/** Arguments of {@link RealServer}. */
export interface RealServerArgs {
  host: HostSettings;
  settings: Settings;
  access: SshAccess;
  hooks: Hooks;
  /** Takes the real server out of service while it is changed. */
  rollout: Rollout;
}

/** A host behind an LVS pair, set up for direct routing. */
export class RealServer extends pulumi.ComponentResource {
  /** The virtual addresses that the real server answers for. */
  readonly virtualAddresses: string[];
  /** Resolves when the real server serves again. */
  readonly serves: Promise<pulumi.Resource>;

  constructor(name: string, args: RealServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:RealServer", name, {}, opts);
    const { settings, access, hooks, rollout } = args;
    const { kernel, firewall, metrics, packages } = settings;
    const os = osProfiles[args.host.os];
    const carried = loopbackAddresses(settings, args.host.name);
    this.virtualAddresses = carried.map(({ address }) => address);
    const texts = {
      kernel: renderRealServerKernel(settings),
      firewall: renderRealServerFirewall(settings, args.host.name),
      vip: carried.map(({ address, interface: device }) => `${address} ${device}\n`).join(""),
    };
    const own = settings.realServers.find(({ name: known }) => known === args.host.name);

    const host = new Host(name, args.host, { ...access.to(args.host), hooks }, this);
    host.waitFor(rollout.ready);
    host.prepare({
      role: "real-server",
      system: [os.id, os.release],
      conntrackMax: kernel.realServerConntrackMax,
      interfaces: [],
      packages: [
        ...os.packages.realServer,
        ...firewallBackends[firewall.backend].packages,
        ...packages,
      ],
    });
    const self: Drainable = {
      name: args.host.name,
      addresses: Object.values(own?.addresses ?? {}),
      inMaintenance: own?.inMaintenance ?? false,
      entries: ipvsEntries(settings, args.host.name),
    };
    const system: remote.Command = host.system(
      [
        { script: "kernel.sh", text: texts.kernel },
        { script: "firewall.sh", args: [firewall.backend], text: texts.firewall },
        { script: "vip.sh", text: texts.vip },
      ],
      {
        before: () => rollout.suspend(self, system),
        failed: () => {
          rollout.fail(self);
        },
      },
    );
    this.serves = new Promise((resolve, reject) => {
      // The URN is known once the system command is done. In a preview, nothing has been suspended.
      system.urn.apply(() => {
        rollout.restore(self, system).then(() => {
          resolve(system);
        }, reject);
      });
    });
    // No other real server waits for this: it comes after the real server serves again.
    if (metrics.enabled) {
      const addresses = carried.map(({ address, interface: device }) => `${address} ${device}`);
      host.command("metrics", {
        script: "metrics.sh",
        args: ["real-server", "serving", String(metrics.intervalSeconds)],
        stdin: fileSums([
          texts.kernel,
          texts.firewall,
          renderFiles({ "/etc/lvs-ha/virtual-addresses": addresses }),
        ]),
      });
    }

    this.registerOutputs({
      virtualAddresses: this.virtualAddresses,
      // As in LvsNode: the model of what the host has.
      model: system.stdin.apply((stdin) =>
        addressesIn(stdin) === texts.vip ? realServerModel(carried) : undefined,
      ),
    });
  }
}

/** The virtual addresses in the system command's input. */
function addressesIn(stdin = ""): string | undefined {
  return parseSections(withoutEnd(stdin)).find(({ words }) => words[0] === "vip.sh")?.text;
}
