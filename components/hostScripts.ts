// The scripts that run on the stack's hosts, for whoever reads a preview: their texts are in the stack's state once, and not once a host.
import * as pulumi from "@pulumi/pulumi";

export interface HostScriptsArgs {
  /** By name. */
  files: Record<string, string>;
}

/** Changes when a host script does: a preview shows the lines. Hosts get them by their `prepare` commands. */
export class HostScripts extends pulumi.ComponentResource {
  constructor(name: string, args: HostScriptsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:HostScripts", name, args, opts);
    this.registerOutputs({});
  }
}
