// A real server: it answers for the virtual addresses without ever claiming them by ARP.
import * as pulumi from "@pulumi/pulumi";
import { digest } from "./host/digest";
import { fileSums } from "./host/fileSums";
import { Host, type ScriptCall } from "./host/host";
import { scriptDigest, scriptsHome } from "./host/scripts";
import type { LvsNode } from "./lvsNode";
import { realServerModel } from "./model";
import { firewallPackages, osProfiles } from "./os/profiles";
import { renderFiles, withEnd } from "./render/files";
import { renderRealServerFirewall } from "./render/firewall";
import { ipvsEntries } from "./render/ipvs";
import { renderRealServerKernel } from "./render/kernel";
import { loopbackAddresses } from "./render/loopback";
import type { HostSettings, Settings } from "./settings";
import type { SshAccess } from "./sshAccess";

export interface RealServerArgs {
  host: HostSettings;
  settings: Settings;
  access: SshAccess;
  /** They send it no new connections while it is changed. */
  directors: LvsNode[];
  /** What must stand before it is changed: the real servers of the batch before. */
  after: pulumi.Resource[];
}

/** A host behind an LVS pair, set up for direct routing. */
export class RealServer extends pulumi.ComponentResource {
  /** The virtual addresses that it answers for. */
  readonly virtualAddresses: string[];
  /** It serves again once these stand. */
  readonly serves: pulumi.Resource[];

  constructor(name: string, args: RealServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:RealServer", name, {}, opts);
    const { settings, access, directors, after } = args;
    const { kernel, firewall, metrics, packages, rollout } = settings;
    const os = osProfiles[args.host.os];
    const carried = loopbackAddresses(settings, args.host.name);
    this.virtualAddresses = carried.map(({ address }) => address);
    const texts = {
      kernel: renderRealServerKernel(settings),
      firewall: renderRealServerFirewall(settings, args.host.name),
      vip: carried.map(({ address, interface: device }) => `${address} ${device}\n`).join(""),
    };
    const own = Object.values(
      settings.realServers.find((realServer) => realServer.name === args.host.name)?.addresses ??
        {},
    );

    const host = new Host(name, args.host, access.to(args.host), this);
    host.prepare({
      role: "real-server",
      system: [os.id, os.versionId],
      conntrackMax: kernel.realServerConntrackMax,
      interfaces: [],
      packages: [...os.packages.realServer, ...firewallPackages[firewall.backend], ...packages],
    });
    // What it serves with.
    const steps: Record<string, ScriptCall & { stdin: string }> = {
      kernel: { script: "kernel.sh", stdin: texts.kernel },
      firewall: {
        script: "firewall.sh",
        args: [firewall.backend],
        stdin: texts.firewall,
        tellClient: true,
      },
      vip: { script: "vip.sh", stdin: texts.vip },
    };
    // Changes when one of them may do something else than it has done, so that the directors drain it for that and for nothing else. Their
    // scripts' code is part of that: what it will do on the host isn't known before it runs.
    const change = digest(
      JSON.stringify([
        args.host.host,
        Object.values(steps).map((step) => [step, scriptDigest(step.script)]),
      ]),
    );
    const drains = directors.map((director) => ({
      director,
      drained: director.host.aside(
        `${name}-drain-${director.host.shortName}`,
        [`${scriptsHome}/drain.sh`, "suspend", String(rollout.drainSeconds), ...own],
        { because: change, after: [...director.host.ends, ...host.ends, ...after], parent: this },
      ),
    }));
    host.waitFor(drains.map(({ drained }) => drained));
    const commands = Object.fromEntries(
      Object.entries(steps).map(([suffix, step]) => [suffix, host.command(suffix, step)]),
    );
    // It may be about to leave a service, whose check it fails from now on: that is not waited for.
    const stays = ipvsEntries(settings, args.host.name);
    this.serves = drains.map(({ director, drained }) =>
      director.host.aside(
        `${name}-restore-${director.host.shortName}`,
        [`${scriptsHome}/drain.sh`, "restore", ...own],
        {
          // Who was drained is put back, though the change failed in between and was then taken back: the engine, which records nothing of
          // a command that fails, would find nothing to do.
          because: drained.stdout.apply(digest),
          stdin: stays.map((line) => `${line}\n`).join(""),
          after: [...director.host.ends, ...host.ends],
          parent: this,
        },
      ),
    );
    // No other real server waits for it: it comes when clients are served again.
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
      // As LvsNode's: what it has been brought.
      model: commands.vip?.stdin.apply((stdin) =>
        stdin === withEnd(texts.vip) ? realServerModel(carried) : undefined,
      ),
    });
  }
}
