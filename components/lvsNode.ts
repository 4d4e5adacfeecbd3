// A director: keepalived and IPVS on one host.
import * as pulumi from "@pulumi/pulumi";
import { fileSums } from "./host/fileSums";
import { Host } from "./host/host";
import { firewallPackages, osProfiles } from "./os/profiles";
import { renderDirectorFirewall } from "./render/firewall";
import { renderDirectorConfig, renderSecrets } from "./render/keepalived";
import { renderDirectorKernel } from "./render/kernel";
import { distantRealServers, type DirectorSettings, type Settings } from "./settings";
import type { SshAccess } from "./sshAccess";

export interface LvsNodeArgs {
  director: DirectorSettings;
  /** The whole pair's settings: a director's files name its peers and the real servers. */
  settings: Settings;
  access: SshAccess;
  /** VRRP version 2's password. @default none */
  authPass?: pulumi.Output<string>;
}

/** A director of an LVS pair: it holds the virtual addresses or stands by for them. */
export class LvsNode extends pulumi.ComponentResource {
  /** Its host, prepared: scripts and packages are there. */
  readonly host: Host;
  private readonly args: LvsNodeArgs;

  constructor(name: string, args: LvsNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:LvsNode", name, {}, opts);
    this.args = args;
    const { director, settings, access } = args;
    const { vrrp, instances, kernel, firewall, packages } = settings;
    const os = osProfiles[director.os];
    this.host = new Host(name, director, access.to(director), this);
    this.host.prepare({
      role: "director",
      system: [os.id, os.versionId],
      conntrackMax: kernel.conntrackMax,
      interfaces: [
        ...new Set([
          ...instances.flatMap(({ interface: device, members }) => {
            const own = members.find(({ name: member }) => member === director.name)?.address;
            return own === undefined ? [device] : [`${device}=${own}`];
          }),
          ...(director.vrrpAddress6 === undefined
            ? []
            : [`${vrrp.interface}=${director.vrrpAddress6}`]),
          vrrp.syncInterface,
        ]),
      ],
      packages: [...os.packages.director, ...firewallPackages[firewall.backend], ...packages],
      neighbours: distantRealServers(settings, director),
    });
  }

  /**
   * Makes it serve, once the real servers and the directors before it stand.
   * @returns `ipvsadm -Ln` as it was after the last change.
   */
  serve(after: pulumi.Resource[]): pulumi.Output<string> {
    const { director, settings, authPass } = this.args;
    this.host.waitFor(after);
    const texts = {
      kernel: renderDirectorKernel(settings),
      firewall: renderDirectorFirewall(settings, director),
      keepalived: renderDirectorConfig(settings, director, authPass !== undefined),
    };
    this.host.command("kernel", { script: "kernel.sh", stdin: texts.kernel });
    this.host.command("firewall", {
      script: "firewall.sh",
      args: [settings.firewall.backend],
      stdin: texts.firewall,
      tellClient: true,
    });
    if (authPass !== undefined) {
      this.host.command("secrets", {
        script: "secrets.sh",
        stdin: pulumi.secret(authPass.apply(renderSecrets)),
      });
    }
    if (director.keepalivedVersion !== undefined) {
      this.host.command("version", {
        script: "version.sh",
        args: [director.keepalivedVersion],
      });
    }
    const keepalived = this.host.command("keepalived", {
      script: "keepalived.sh",
      args: director.inMaintenance ? ["stopped"] : [],
      stdin: texts.keepalived,
    });
    if (settings.metrics.enabled) {
      this.host.command("metrics", {
        script: "metrics.sh",
        args: [
          "director",
          director.inMaintenance ? "stopped" : "serving",
          String(settings.metrics.intervalSeconds),
        ],
        stdin: fileSums(Object.values(texts)),
      });
    }
    this.registerOutputs({ ipvsTable: keepalived.stdout });
    return keepalived.stdout;
  }
}
