// A director: keepalived and IPVS on one host.
import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { firewallBackends, renderDirectorFirewall } from "./firewall";
import { digest } from "./host/digest";
import { fileSums } from "./host/fileSums";
import { type After, Host, type SshLogin } from "./host/host";
import type { Hooks } from "./host/hooks";
import { scriptsHome } from "./host/scripts";
import { Session } from "./host/session";
import { directorModel } from "./model";
import { osProfiles } from "./os/profiles";
import { furtherInterfaces, renderDirectorConfig } from "./render/director";
import { withEnd } from "./render/files";
import { renderHeard, renderSecrets, virtualAddresses } from "./render/keepalived";
import { renderDirectorKernel } from "./render/kernel";
import { renderUpgrades } from "./render/upgrades";
import { withoutPrefix } from "./schema";
import {
  distantRealServers,
  interfaceOfAddress6,
  type DirectorSettings,
  type Settings,
} from "./settings";

/** Arguments of {@link LvsNode}. */
export interface LvsNodeArgs {
  director: DirectorSettings;
  /** The whole pair's settings: a director's files name its peers and the real servers. */
  settings: Settings;
  /** The login to the director. */
  login: SshLogin;
  hooks: Hooks;
  /** The password of VRRP version 2. @default none */
  authPass?: pulumi.Output<string>;
}

/** A director of an LVS pair: it holds the virtual addresses or stands by for them. */
export class LvsNode extends pulumi.ComponentResource {
  /** The director's host, prepared with scripts and packages. */
  readonly host: Host;
  /** The program's own login to the director. */
  readonly session: Session;
  private readonly name: string;
  private readonly args: LvsNodeArgs;
  /**
   * The command that puts its keepalived.conf in place, with the command's input; undefined before
   * {@link serve}.
   */
  private served?: { command: remote.Command; text: string };

  constructor(name: string, args: LvsNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvs-ha:index:LvsNode", name, {}, opts);
    this.name = name;
    this.args = args;
    const { director, settings, login, hooks } = args;
    const { vrrp, instances, kernel, firewall, packages } = settings;
    const os = osProfiles[director.os];
    const interface6 = interfaceOfAddress6(instances, director);
    this.session = new Session(director.name, login.connection, { keepOpen: true });
    this.host = new Host(name, director, { ...login, hooks, session: this.session }, this);
    this.host.prepare({
      role: "director",
      system: [os.id, os.release],
      conntrackMax: kernel.conntrackMax,
      interfaces: [
        ...new Set([
          ...instances.flatMap(({ interface: device, members }) => {
            const own = members.find(({ name: member }) => member === director.name)?.address;
            return own === undefined ? [device] : [`${device}=${own}`];
          }),
          ...(interface6 === undefined ? [] : [`${interface6}=${director.vrrpAddress6}`]),
          ...(vrrp.connectionSync ? [vrrp.syncInterface] : []),
          ...furtherInterfaces(settings),
          ...checkInterfaces(settings),
        ]),
      ],
      packages: [
        ...os.packages.director,
        ...firewallBackends[firewall.backend].packages,
        ...packages,
      ],
      neighbours: distantRealServers(settings, director),
    });
  }

  /**
   * Stops keepalived if settings that all directors must share change, unless this director holds
   * the virtual addresses: stopped standbys can't miss the active director's adverts. Directors do
   * this one after the other.
   * @param last whether this is the last director
   */
  withdraw(after: After, last: boolean, parent: pulumi.Resource): remote.Command {
    const { director, settings, authPass } = this.args;
    return this.host.aside(
      `${this.name}-withdraw`,
      [`${scriptsHome}/peers.sh`, "withdraw", last ? "LAST" : "MORE"],
      {
        undo: [`${scriptsHome}/peers.sh`, "resume"],
        stdin:
          authPass === undefined
            ? renderHeard(settings, director)
            : pulumi.secret(authPass.apply((text) => renderHeard(settings, director, text))),
        after: [...this.host.ends, ...after],
        parent,
      },
    );
  }

  /** Makes the director serve, after the real servers and the directors before it. */
  serve(after: After): void {
    const { director, settings, authPass } = this.args;
    this.host.waitFor(after);
    const texts = {
      kernel: renderDirectorKernel(settings),
      firewall: renderDirectorFirewall(settings, director),
      keepalived: renderDirectorConfig(settings, director, authPass !== undefined),
    };
    this.host.system([
      { script: "kernel.sh", text: texts.kernel },
      { script: "firewall.sh", args: [settings.firewall.backend], text: texts.firewall },
      { script: "upgrades.sh", text: renderUpgrades(settings, director) },
    ]);
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
    this.served = { command: keepalived, text: withEnd(texts.keepalived) };
    this.registerOutputs({
      ipvsTable: keepalived.stdout,
      // The model of the config that the host has, which may differ from the wanted one after an
      // `up` that failed or left the host out.
      model: this.hasConfig.apply((has) => (has ? directorModel(settings, director) : undefined)),
    });
  }

  /** `ipvsadm -Ln` after the last change of the director's config. */
  get ipvsTable(): pulumi.Output<string> {
    return this.served?.command.stdout ?? pulumi.output("");
  }

  /** Whether the host has the wanted config: a run of the engine may cover only some resources. */
  private get hasConfig(): pulumi.Output<boolean> {
    const { command, text } = this.served ?? {};
    return command === undefined
      ? pulumi.output(false)
      : command.stdin.apply((stdin) => stdin === text);
  }

  /**
   * Starts a withdrawn director once every director has its config, and makes sure that exactly one
   * director holds each virtual address: two or none fail the run. Directors do this one after the
   * other, likely holders first.
   * @param told the previous director's command, as returned by its `join`; absent for the first
   */
  join(
    directors: LvsNode[],
    {
      withdrawn,
      told,
      last,
    }: { withdrawn: remote.Command[]; told?: remote.Command; last: boolean },
    parent: pulumi.Resource,
  ): remote.Command {
    const { director, settings } = this.args;
    const others = directors.filter((one) => one !== this);
    const lacking = pulumi.all(
      others.map((one) =>
        one.hasConfig.apply((has) => (has ? [] : [`lacks ${one.host.shortName}`])),
      ),
    );
    const before = told?.stdout.apply((text) =>
      text.split("\n").filter((l) => l.startsWith("holds ")),
    );
    const expected = virtualAddresses(settings).map(
      (address) => `expect ${withoutPrefix(address)}`,
    );
    const rests = settings.directors.some(({ inMaintenance }) => inMaintenance) ? ["rests"] : [];
    // With preempt, the director with the highest priority takes the addresses when it starts.
    const preempted = settings.instances
      .filter(({ preempt, members }) => {
        const own = members.find(({ name }) => name === director.name)?.priority ?? 0;
        return preempt && members.every(({ priority }) => priority <= own);
      })
      .flatMap(({ virtualAddresses: all }) => all.map(({ address }) => `preempts ${address}`));
    return this.host.aside(
      `${this.name}-join`,
      [
        ...[`${scriptsHome}/peers.sh`, "join", director.name, String(startSeconds(settings))],
        ...(director.inMaintenance ? ["stopped"] : []),
      ],
      {
        // The director that joined last leaves first.
        undo: [
          `${scriptsHome}/peers.sh`,
          "leave",
          told || director.inMaintenance ? "MORE" : "LAST",
        ],
        because: pulumi
          .all([
            ...withdrawn.map(({ stdout }) => stdout),
            ...directors.map((one) => one.served?.text),
          ])
          .apply((texts) => digest(texts.join(""))),
        stdin: pulumi
          .all([lacking, before])
          .apply(([lacks, holds = []]) =>
            [
              ...expected,
              ...lacks.flat(),
              ...holds,
              ...preempted,
              ...rests,
              ...(last ? ["last"] : []),
            ]
              .map((line) => `${line}\n`)
              .join(""),
          ),
        after: [
          ...directors.flatMap(({ served }) => served?.command ?? []),
          ...(told ? [told] : []),
        ],
        parent,
      },
    );
  }
}

/** Interfaces that checks are bound to: without its interface, a check fails. */
function checkInterfaces({ virtualServers }: Settings): string[] {
  return virtualServers.flatMap(({ realServers }) =>
    realServers.flatMap(({ checks }) =>
      checks.flatMap(({ check }) => ("bindInterface" in check ? (check.bindInterface ?? []) : [])),
    ),
  );
}

/**
 * Seconds that a newly started director waits before it takes addresses that no director holds,
 * plus one second.
 */
export function startSeconds({ instances, daemon }: Settings): number {
  const down = instances.map(
    ({ advertIntervalSeconds, downTimerAdverts }) =>
      // The skew time is at most an interval, or a second in version 2: RFC 5798 6.1, RFC 3768 6.1.
      advertIntervalSeconds * ((downTimerAdverts ?? 3) + 1),
  );
  return Math.ceil(Math.max(...down) + (daemon.startupDelaySeconds ?? 0) + 1);
}
