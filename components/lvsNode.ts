// A director: keepalived and IPVS on one host.
import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { LvsHaPairArgs } from "./args";
import { protect } from "./deletionProtection";
import { firewallBackends, renderDirectorFirewall } from "./firewall";
import { digest } from "./host/digest";
import { fileSums } from "./host/fileSums";
import { type After, Host, type Requirements } from "./host/host";
import { scriptsHome } from "./host/scripts";
import { chosen, take, type Taken } from "./inputs";
import { directorModel } from "./model";
import { osProfiles } from "./os/profiles";
import { type Director, Parts } from "./parts";
import { furtherInterfaces, renderDirectorConfig } from "./render/director";
import { withEnd } from "./render/files";
import { renderHeard, renderSecrets, virtualAddresses } from "./render/keepalived";
import { renderDirectorKernel } from "./render/kernel";
import { renderUpgrades } from "./render/upgrades";
import { withoutPrefix } from "./schema";
import {
  directorSettings,
  type DirectorSettings,
  type DirectorShape,
  distantRealServers,
  interfaceOfAddress6,
  type Settings,
  type Shape,
  startSeconds,
} from "./settings";

/**
 * Arguments of an {@link LvsNode} by itself: the whole load balancer's, because a director's files name
 * its peers and the real servers, and the director's name.
 */
export interface LvsNodeArgs extends LvsHaPairArgs {
  /** Its name in `directors`. */
  director: string;
}

/**
 * A pair's director.
 * @internal
 */
interface LvsNodeOfPair {
  director: Director;
  parts: Parts;
}

/**
 * A director of an LVS pair: it holds the virtual addresses or stands by for them. By itself, it is for
 * programs that set up one director each. A change of what all directors must have alike (addresses,
 * router id, version, password) then reaches one director before the others, and two may be active
 * meanwhile. An {@link LvsHaPair} changes it on all directors in step.
 */
export class LvsNode extends pulumi.ComponentResource {
  /**
   * The director's host, prepared with scripts and packages.
   * @internal
   */
  readonly host: Host;
  private readonly name: string;
  private readonly director: DirectorShape;
  private readonly parts: Parts;
  /** What puts its keepalived.conf in place, and the text that it is given; absent until it serves. */
  private served?: { command: remote.Command; text: pulumi.Output<string> };

  /** @throws pulumi.RunError as {@link LvsHaPair} does */
  constructor(name: string, args: LvsNodeArgs, opts?: pulumi.ComponentResourceOptions);
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- @internal: not in the package's types
  constructor(name: string, args: LvsNodeOfPair, opts?: pulumi.ComponentResourceOptions);
  constructor(
    name: string,
    args: LvsNodeArgs | LvsNodeOfPair,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const given = "parts" in args ? args : alone(name, args);
    super("lvs-ha:index:LvsNode", name, {}, opts);
    this.name = name;
    const isOfPair = "parts" in given;
    this.parts = isOfPair ? given.parts : new Parts(name, given.taken, this);
    const { shape, settings, hooks, directors } = this.parts;
    const own = isOfPair
      ? given.director
      : directors.find(({ shape: { name: known } }) => known === given.director);
    if (own === undefined) throw new Error(`there is no director ${name}`);
    this.director = own.shape;
    this.host = new Host(name, own.shape, { ...own.login, hooks, session: own.session }, this);
    this.host.prepare(settings.apply((known) => requirements(known, own.shape, shape)));
    if (!isOfPair) this.standAlone();
  }

  /** Sets the director up without waiting for other hosts. */
  private standAlone(): void {
    const withdrawn = this.withdraw([], false, this);
    this.serve([withdrawn]);
    const joined = this.join([this], { withdrawn: [withdrawn], last: false }, this);
    protect(
      this.name,
      { director: this.host, isOn: this.parts.shape.deletionProtection },
      [withdrawn, ...this.host.ends, joined],
      this,
    );
  }

  /**
   * Stops keepalived if settings that all directors must share change, unless this director holds
   * the virtual addresses: stopped standbys can't miss the active director's adverts. Directors do
   * this one after the other.
   * @param last whether this is the last director
   * @internal
   */
  withdraw(after: After, last: boolean, parent: pulumi.Resource): remote.Command {
    const { settings, secrets } = this.parts;
    const heard = (authPass?: string) =>
      settings.apply((known) =>
        renderHeard(known, directorSettings(known, this.director.name), authPass),
      );
    return this.host.aside(
      `${this.name}-withdraw`,
      [`${scriptsHome}/peers.sh`, "withdraw", last ? "LAST" : "MORE"],
      {
        undo: [`${scriptsHome}/peers.sh`, "resume"],
        stdin: secrets.vrrpAuthPass === undefined ? heard() : secrets.vrrpAuthPass.apply(heard),
        after: [...this.host.ends, ...after],
        parent,
      },
    );
  }

  /**
   * Makes the director serve, after the real servers and the directors before it.
   * @internal
   */
  serve(after: After): void {
    const { shape, settings, secrets } = this.parts;
    const { name, inMaintenance, keepalivedVersion } = this.director;
    const authPass = secrets.vrrpAuthPass;
    this.host.waitFor(after);
    const text = (render: (known: Settings, director: DirectorSettings) => string) =>
      settings.apply((known) => render(known, directorSettings(known, name)));
    const texts = {
      kernel: settings.apply(renderDirectorKernel),
      firewall: text(renderDirectorFirewall),
      keepalived: text((known, director) =>
        renderDirectorConfig(known, director, authPass !== undefined),
      ),
    };
    this.host.system([
      { script: "kernel.sh", text: texts.kernel },
      { script: "firewall.sh", args: [shape.firewall], text: texts.firewall },
      { script: "upgrades.sh", text: text(renderUpgrades) },
    ]);
    if (authPass !== undefined) {
      this.host.command("secrets", { script: "secrets.sh", stdin: authPass.apply(renderSecrets) });
    }
    if (keepalivedVersion !== undefined) {
      this.host.command("version", { script: "version.sh", args: [keepalivedVersion] });
    }
    const keepalived = this.host.command("keepalived", {
      script: "keepalived.sh",
      args: inMaintenance ? ["stopped"] : [],
      stdin: texts.keepalived,
    });
    if (shape.metricsIntervalSeconds !== undefined) {
      this.host.command("metrics", {
        script: "metrics.sh",
        args: [
          "director",
          inMaintenance ? "stopped" : "serving",
          String(shape.metricsIntervalSeconds),
        ],
        stdin: pulumi.all(Object.values(texts)).apply(fileSums),
      });
    }
    this.served = { command: keepalived, text: texts.keepalived.apply(withEnd) };
    this.registerOutputs({
      ipvsTable: keepalived.stdout,
      // What the host has been brought, not what it is to be: after an up that failed, or left it out, the directors may differ in that.
      model: this.hasConfig.apply((has) =>
        has
          ? settings.apply((known) => directorModel(known, directorSettings(known, name)))
          : undefined,
      ),
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
      : pulumi.all([command.stdin, text]).apply(([stdin, wanted]) => stdin === wanted);
  }

  /**
   * Starts a withdrawn director once every director has its config, and makes sure that exactly one
   * director holds each virtual address: two or none fail the run. Directors do this one after the
   * other, likely holders first.
   * @param told the previous director's command, as returned by its `join`; absent for the first
   * @internal
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
    const { shape, settings } = this.parts;
    const { name, inMaintenance } = this.director;
    const others = directors.filter((one) => one !== this);
    const lacking = pulumi.all(
      others.map((one) =>
        one.hasConfig.apply((has) => (has ? [] : [`lacks ${one.host.shortName}`])),
      ),
    );
    const before = told?.stdout.apply((text) =>
      text.split("\n").filter((l) => l.startsWith("holds ")),
    );
    const wanted = settings.apply((known) => ({
      expected: virtualAddresses(known).map((address) => `expect ${withoutPrefix(address)}`),
      preempted: preemptedBy(known, name).map((address) => `preempts ${address}`),
    }));
    const rests = shape.directors.some((director) => director.inMaintenance) ? ["rests"] : [];
    return this.host.aside(
      `${this.name}-join`,
      settings.apply((known) => [
        ...[`${scriptsHome}/peers.sh`, "join", name, String(startSeconds(known))],
        ...(inMaintenance ? ["stopped"] : []),
      ]),
      {
        // The last that joined is the first that leaves.
        undo: [`${scriptsHome}/peers.sh`, "leave", told || inMaintenance ? "MORE" : "LAST"],
        because: pulumi
          .all([
            ...withdrawn.map(({ stdout }) => stdout),
            ...directors.map((one) => one.served?.text),
          ])
          .apply((texts) => digest(texts.join(""))),
        stdin: pulumi
          .all([lacking, before, wanted])
          .apply(([lacks, holds = [], { expected, preempted }]) =>
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

/** What the preflight checks on the host. */
function requirements(settings: Settings, own: DirectorShape, shape: Shape): Requirements {
  const { vrrp, instances, kernel } = settings;
  const director = directorSettings(settings, own.name);
  const os = osProfiles[own.os];
  const interface6 = interfaceOfAddress6(instances, director);
  return {
    role: "director",
    system: [os.id, os.release],
    conntrackMax: kernel.conntrackMax,
    interfaces: [
      ...new Set([
        ...instances.flatMap(({ interface: device, members }) => {
          const address = members.find(({ name }) => name === own.name)?.address;
          return address === undefined ? [device] : [`${device}=${address}`];
        }),
        ...(interface6 === undefined ? [] : [`${interface6}=${director.vrrpAddress6}`]),
        ...(vrrp.connectionSync ? [vrrp.syncInterface] : []),
        ...furtherInterfaces(settings),
        ...checkInterfaces(settings),
      ]),
    ],
    packages: [
      ...os.packages.director,
      ...firewallBackends[shape.firewall].packages,
      ...shape.packages,
    ],
    neighbours: distantRealServers(settings, director),
  };
}

/** The virtual addresses that a director takes when it starts, because it has the highest priority. */
function preemptedBy({ instances }: Settings, director: string): string[] {
  return instances
    .filter(({ preempt, members }) => {
      const own = members.find(({ name }) => name === director)?.priority ?? 0;
      return preempt && members.every(({ priority }) => priority <= own);
    })
    .flatMap(({ virtualAddresses: all }) => all.map(({ address }) => address));
}

/** Checks args, and finds the director that they name. */
function alone(
  name: string,
  { director, ...args }: LvsNodeArgs,
): { taken: Taken; director: string } {
  const of = `LvsNode "${name}"`;
  const taken = take(of, args);
  return { taken, director: chosen(of, "director", director, taken.shape.directors).name };
}

/** Interfaces that checks leave by: without its own, a check fails. */
function checkInterfaces({ virtualServers }: Settings): string[] {
  return virtualServers.flatMap(({ realServers }) =>
    realServers.flatMap(({ checks }) =>
      checks.flatMap(({ check }) => ("bindInterface" in check ? (check.bindInterface ?? []) : [])),
    ),
  );
}
