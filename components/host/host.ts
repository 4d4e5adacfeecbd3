// A host reached over SSH: the one door to remote.Command.
import { remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { quote } from "shell-quote";
import { renderSections, withEnd } from "../render/files";
import type { HostShape } from "../settings";
import { noteChange, noteInTransit } from "./changedBy";
import { Confirmation } from "./confirmation";
import { digest } from "./digest";
import type { Around, Hooks } from "./hooks";
import { bundle, program, scriptDigest, scriptsHome, scriptsInTransit } from "./scripts";
import { Session } from "./session";

/** A login to one host, and what must be done before it works. */
export interface SshLogin {
  /** Where SSH reaches it. */
  address: pulumi.Output<string>;
  connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  ready: pulumi.Resource[];
}

/** What a host needs to be before anything is installed on it. */
export interface Requirements {
  role: "director" | "real-server";
  /** ID and VERSION_ID of /etc/os-release. */
  system: [id: string, release: string];
  /** Size of its conntrack table, checked against its memory. */
  conntrackMax: number;
  /** `eth1`, or `eth1=192.0.2.11/24` where the address must be on it. */
  interfaces: string[];
  packages: string[];
  /** Addresses that must be on one of its segments. @default none */
  neighbours?: string[];
}

/** A script of templates/scripts, what it is given, and how it is undone. */
export interface ScriptCall {
  script: string;
  /** Arguments of `apply`; quoted here. */
  args?: string[];
  /** Text on standard input, whose end is marked here: a preview shows its changed lines. A secret one is masked whole. @default none */
  stdin?: pulumi.Input<string>;
}

/** What must stand before. */
export type After = pulumi.Input<pulumi.Resource>[];

/** How a host's commands reach it. */
export interface HostLogin extends SshLogin {
  hooks: Hooks;
  /** The program's own login to it. @default one that brings the scripts */
  session?: Session;
}

/**
 * A host's commands, in the order in which they are asked for: each waits for the one before.
 * A change of `host` (another machine) replaces them: made on the new host first, undone on the old one last.
 */
export class Host {
  private readonly address: pulumi.Output<string>;
  private readonly connection: SshLogin["connection"];
  private last: After;
  /** What is done there around the engine's commands. */
  private readonly session: Session;
  private readonly hooks: Hooks;
  private noted?: Promise<void>;

  constructor(
    private readonly name: string,
    private readonly shape: HostShape,
    { address, connection, ready, hooks, session }: HostLogin,
    private readonly parent: pulumi.ComponentResource,
  ) {
    this.address = address;
    this.connection = connection;
    this.session = session ?? new Session(shape.name, connection, { keepOpen: true });
    this.hooks = hooks;
    this.last = ready;
  }

  /** Later commands wait for these resources too. */
  waitFor(resources: After): void {
    this.last = [...this.last, ...resources];
  }

  /** First command: preflight, then the scripts in their place, then the packages. */
  prepare(requirements: pulumi.Output<Requirements>): remote.Command {
    const scripts = scriptsInTransit();
    const bring: Around = { before: () => this.bring() };
    return this.run(
      "prepare",
      {
        create: pulumi
          .all([this.owner, requirements])
          .apply(([owner, { role, system, conntrackMax, interfaces, packages, neighbours = [] }]) =>
            this.asRoot([
              "sh",
              `${scripts}/install.sh`,
              "apply",
              scripts,
              owner,
              role,
              ...system,
              String(conntrackMax),
              interfaces.join(" "),
              [...new Set(packages)].sort().join(" "),
              ...(neighbours.length > 0 ? [neighbours.join(" ")] : []),
            ]),
          ),
        delete: this.owner.apply((owner) =>
          this.asRoot([`${scriptsHome}/install.sh`, "undo", owner]),
        ),
      },
      bring,
    );
  }

  /** Runs a script of ours, which `prepare` has put on the host; deleting the resource undoes it. */
  command(suffix: string, { script, args = [], stdin = "" }: ScriptCall): remote.Command {
    const path = `${scriptsHome}/${script}`;
    return this.run(suffix, {
      // The comment changes with the script and those that it uses, so that a new one does its work again.
      create: this.owner.apply(
        (owner) =>
          `${this.asRoot([path, "apply", owner, ...args])} # scripts ${scriptDigest(script)}`,
      ),
      delete: this.owner.apply((owner) => this.asRoot([path, "undo", owner])),
      stdin: pulumi.output(stdin).apply(withEnd),
    });
  }

  /** The same for what it is beside its programs, in one command: kernel, firewall, virtual addresses. */
  system(
    sections: { script: string; args?: string[]; text: pulumi.Output<string> }[],
    around?: Around,
  ): remote.Command {
    const path = `${scriptsHome}/system.sh`;
    const owner = this.ownerOf(`${this.name}-system`);
    const digests = ["system.sh", ...sections.map(({ script }) => script)].map(scriptDigest);
    const confirmation = new Confirmation(
      this.session,
      new Session(this.shape.name, this.connection),
    );
    const command = this.run(
      "system",
      {
        // The SSH client's address, which no firewall may lock out.
        create: owner.apply(
          (text) =>
            `${this.asRoot([path, "apply", text])} "$SSH_CONNECTION" # scripts ${digest(digests.join())}`,
        ),
        delete: owner.apply((text) => this.asRoot([path, "undo", text])),
        stdin: pulumi.all(sections.map(({ text }) => text)).apply((texts) =>
          withEnd(
            renderSections(
              sections.map(({ script, args = [] }, i) => ({
                words: [script, ...args],
                text: texts[i] ?? "",
              })),
            ),
          ),
        ),
      },
      {
        before: async (change) => {
          const { before, now } = change;
          // Another way to log in runs it again, and changes nothing there.
          if (before?.create !== now.create || before?.stdin !== now.stdin) {
            await around?.before(change);
          }
          confirmation.begin();
        },
        failed: () => {
          confirmation.end();
          around?.failed?.();
        },
      },
    );
    // Known when it stands.
    command.urn.apply(() => {
      confirmation.end();
    });
    return command;
  }

  /**
   * A command beside the order of this host's own: what it does is part of another resource's change. It runs when `because` or its
   * standard input differs, and not for a new version of its script, which has nothing to do until the next change.
   */
  aside(
    name: string,
    words: pulumi.Input<string[]>,
    {
      because,
      undo,
      stdin,
      after,
      parent,
    }: {
      because?: pulumi.Input<string>;
      /** What undoes it. @default nothing */
      undo?: string[];
      stdin?: pulumi.Input<string>;
      after: After;
      parent: pulumi.Resource;
    },
  ): remote.Command {
    const line = pulumi.output(words).apply((all) => this.asRoot(all));
    return new remote.Command(
      name,
      {
        connection: this.connection,
        create: because === undefined ? line : pulumi.interpolate`${line} # for ${because}`,
        delete: undo && this.asRoot(undo),
        stdin: stdin === undefined ? undefined : pulumi.output(stdin).apply(withEnd),
        logging: remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      {
        parent,
        dependsOn: after,
        hooks: this.hooks.of(name, { before: () => Promise.resolve() }),
      },
    );
  }

  /** Its name in the stack. */
  get shortName(): string {
    return this.shape.name;
  }

  /** The command that the next one waits for. */
  get ends(): After {
    return this.last;
  }

  private run(
    suffix: string,
    args: Record<"create" | "delete", pulumi.Output<string>> & { stdin?: pulumi.Output<string> },
    around: Around = { before: () => Promise.resolve() },
  ): remote.Command {
    const name = `${this.name}-${suffix}`;
    const command: remote.Command = new remote.Command(
      name,
      {
        connection: this.connection,
        ...args,
        // Steps are shown live; what is captured as output is not shown twice.
        logging: remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
        triggers: [this.address],
      },
      {
        parent: this.parent,
        dependsOn: this.last,
        hooks: this.hooks.of(name, {
          ...around,
          before: async (change) => {
            await around.before(change);
            await this.note();
          },
        }),
      },
    );
    this.last = [command];
    return command;
  }

  /** Brings the scripts, and tells the host who changes it. */
  private async bring(): Promise<void> {
    this.noted = this.session
      .run(["sh", "-s"], { input: bundle(noteInTransit()) })
      .then(() => undefined);
    await this.noted;
  }

  /** Tells the host, once, who changes it. Whether that works is the change's own business. */
  private note(): Promise<void> {
    this.noted ??= this.session
      .run(["sh", "-s"], { input: program(noteChange().join("\n")), attempts: 1 })
      .then(
        () => undefined,
        (error: unknown) => {
          // Beside the component, whose URN is known: a command's comes when the command has ended, and all messages would wait for that.
          void pulumi.log.warn(
            `${this.shape.name}: not told who changes it: ${String(error)}`,
            this.parent,
          );
        },
      );
    return this.noted;
  }

  /** Undoing what another owner has taken over does nothing: a rename, or a new name for the same machine, breaks nothing. */
  private get owner(): pulumi.Output<string> {
    return this.ownerOf(this.name);
  }

  private ownerOf(name: string): pulumi.Output<string> {
    return pulumi.interpolate`${name}/${this.address}`;
  }

  private asRoot(words: string[]): string {
    return quote(this.shape.user === "root" ? words : ["sudo", "-n", ...words]);
  }
}
