// The scripts on the stack's hosts, as shown in a preview. The state has their texts once, not once
// for each host.
import * as pulumi from "@pulumi/pulumi";

/** Arguments of {@link HostScripts}. */
export interface HostScriptsArgs {
  /** Texts by name. */
  files: Record<string, string>;
}

/**
 * Changes with the host scripts, so that a preview shows the changed lines. The hosts get them from
 * their `prepare` commands.
 */
export class HostScripts extends pulumi.ComponentResource {
  constructor(name: string, args: HostScriptsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:HostScripts", name, args, opts);
    this.registerOutputs({});
  }
}
