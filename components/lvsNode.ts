// A director: keepalived and IPVS on one host.
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./host/host";
import { firewallPackages, osProfiles } from "./os/profiles";
import { renderDirectorFirewall } from "./render/firewall";
import { renderKeepalived, renderSecrets } from "./render/keepalived";
import { renderDirectorKernel } from "./render/kernel";
import type { DirectorSettings, Settings } from "./settings";
import type { SshAccess } from "./sshAccess";

export interface LvsNodeArgs {
  director: DirectorSettings;
  /** The whole pair's settings: a director's files name its peers and the real servers. */
  settings: Settings;
  access: SshAccess;
  /** VRRP version 2's password. @default none */
  authPass?: pulumi.Output<string>;
  /** What must stand before this director is changed: the real servers, and the directors before it. */
  after: pulumi.Resource[];
}

/** A director of an LVS pair: it holds the virtual addresses or stands by for them. */
export class LvsNode extends pulumi.ComponentResource {
  /** `ipvsadm -Ln` as it was after the last change. */
  readonly ipvsTable: pulumi.Output<string>;

  constructor(name: string, args: LvsNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:LvsNode", name, {}, opts);
    const { director, settings, access, authPass, after } = args;
    const { vrrp, kernel, firewall, packages } = settings;
    const os = osProfiles[director.os];
    const host = new Host(name, director, access.to(director), this);

    host.prepare({
      role: "director",
      system: [os.id, os.versionId],
      conntrackMax: kernel.conntrackMax,
      interfaces: [`${vrrp.interface}=${director.vrrpAddress}`, vrrp.syncInterface],
      packages: [...os.packages.director, ...firewallPackages[firewall.backend], ...packages],
    });
    host.waitFor(after);
    host.command("kernel", { script: "kernel.sh", stdin: renderDirectorKernel(settings) });
    host.command("firewall", {
      script: "firewall.sh",
      args: [firewall.backend],
      stdin: renderDirectorFirewall(settings, director),
      tellClient: true,
    });
    if (authPass !== undefined) {
      host.command("secrets", {
        script: "secrets.sh",
        stdin: pulumi.secret(authPass.apply(renderSecrets)),
      });
    }
    const keepalived = host.command("keepalived", {
      script: "keepalived.sh",
      stdin: renderKeepalived(settings, director, authPass !== undefined),
    });

    this.ipvsTable = keepalived.stdout;
    this.registerOutputs({ ipvsTable: this.ipvsTable });
  }
}
