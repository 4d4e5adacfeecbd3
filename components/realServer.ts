// A real server: it answers for the virtual addresses without ever claiming them by ARP.
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./host/host";
import { firewallPackages, osProfiles } from "./os/profiles";
import { renderRealServerFirewall } from "./render/firewall";
import { renderRealServerKernel } from "./render/kernel";
import type { HostSettings, Settings } from "./settings";
import type { SshAccess } from "./sshAccess";

export interface RealServerArgs {
  host: HostSettings;
  settings: Settings;
  access: SshAccess;
}

/** A host behind an LVS pair, set up for direct routing. */
export class RealServer extends pulumi.ComponentResource {
  /** The virtual addresses that it answers for. */
  readonly virtualAddresses: string[];

  constructor(name: string, args: RealServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:RealServer", name, {}, opts);
    const { settings, access } = args;
    const { kernel, firewall, packages } = settings;
    const os = osProfiles[args.host.os];
    const served = settings.virtualServers.filter(({ realServers }) =>
      realServers.some((member) => member.name === args.host.name),
    );
    this.virtualAddresses = [...new Set(served.map(({ address }) => address))];
    const host = new Host(name, args.host, access.to(args.host), this);

    host.prepare({
      role: "real-server",
      system: [os.id, os.versionId],
      conntrackMax: kernel.realServerConntrackMax,
      interfaces: [],
      packages: [...os.packages.realServer, ...firewallPackages[firewall.backend], ...packages],
    });
    host.command("kernel", { script: "kernel.sh", stdin: renderRealServerKernel(settings) });
    host.command("firewall", {
      script: "firewall.sh",
      args: [firewall.backend],
      stdin: renderRealServerFirewall(settings, served),
      tellClient: true,
    });
    host.command("vip", {
      script: "vip.sh",
      stdin: this.virtualAddresses.map((address) => `${address}\n`).join(""),
    });

    this.registerOutputs({ virtualAddresses: this.virtualAddresses });
  }
}
