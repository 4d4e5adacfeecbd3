// A pretend stack for the operator's command: a stand-in for pulumi, and a host for each name. Each
// host gives the lab host's recorded answers until the test changes something.
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "shell-quote";
import { parseReport } from "../../ops/report";
import { sshKeyPair, startSshServer, type SshServer } from "../plugins/sshServer";
import {
  type Ended,
  lvs,
  lvsOnTerminal,
  type LvsOptions,
  type Running,
  startLvs,
} from "../support/lvs";
import {
  answered,
  edit,
  giveAddress,
  reportText,
  sample,
  sampleReport,
  type Sections,
  stateOfThree,
  takeAddress,
  thirdReport,
  withModels,
} from "./sampleHosts";
import { doesTwo } from "./twoInstances";

/** Directors first. The third one is only there for tests that add it. */
export const names = ["lvs1", "lvs2", "web1", "web2", "web3"];
const third = "lvs3";

interface State {
  deployment: { resources: Resource[] };
}

interface Resource {
  urn: string;
  inputs?: { create?: string; stdin?: string; connection?: { plaintext: string } };
}

/**
 * When a host gives a changed answer: at once, after pulumi up or a restart, or from the second
 * look after that.
 */
type When = "now" | "after" | "later";

export class PretendStack {
  private readonly folder = mkdtempSync(join(tmpdir(), "lvs-ha-stack-"));
  private readonly servers = new Map<string, SshServer>();
  private readonly key = sshKeyPair("ed25519");

  /** Starts the pretend hosts, which are reached over SSH. */
  static async start(): Promise<PretendStack> {
    const stack = new PretendStack();
    for (const name of ["bin", "host", "after", "later"]) mkdirSync(stack.file(name));
    for (const name of [...names, third]) {
      const server = await startSshServer({
        user: name === "web3" ? "ops" : "root",
        authorizedKeys: [stack.key.public],
        environment: {
          NAME: name,
          FOLDER: stack.file("host"),
          PATH: `${stack.file("host")}${delimiter}${process.env.PATH}`,
        },
        answers: (command, input) =>
          input.includes("What a host says of itself")
            ? stack.report(name, command, input)
            : undefined,
      });
      stack.servers.set(name, server);
    }
    return stack;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.servers.values()].map((server) => server.stop()));
    rmSync(this.folder, { recursive: true });
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Resets every host and the config to the recorded state. */
  reset(): void {
    for (const name of ["after", "later"]) {
      rmSync(this.file(name), { recursive: true, force: true });
      mkdirSync(this.file(name));
    }
    for (const name of ["fails", "imported.json"]) rmSync(this.file(name), { force: true });
    for (const name of ["calls", "changed"]) writeFileSync(this.file(name), "");
    this.programs();
    for (const name of names) {
      writeFileSync(this.file(`host/${name}.report`), sample(`${name}.report`));
      writeFileSync(this.file(`host/${name}.drain`), "");
    }
    this.configure([]);
    this.setState(sample("state.json"));
  }

  private programs(): void {
    const calls = this.file("calls");
    const up = [
      'echo "pulumi up was here"',
      `[ ! -e "${this.file("fails")}" ] || exit 1`,
      // `up` switches the hosts to their later answers.
      `for file in "${this.file("after")}"/*; do [ ! -e "$file" ] || cp "$file" "${this.file("host")}"; done`,
    ];
    this.program("bin/pulumi", [
      `printf '%s\\n' "$*" >>"${calls}"`,
      'case "$1 $2" in',
      `"stack export") cat "${this.file("state.json")}" ;;`,
      `"stack import") cat >"${this.file("imported.json")}" ;;`,
      `"preview --expect-no-changes") cat "${this.file("changed")}" && [ ! -s "${this.file("changed")}" ] ;;`,
      '"preview "*) echo "the preview" ;;',
      `"up "*) ${up.join("; ")} ;;`,
      `"config --json") cat "${this.file("config.json")}" ;;`,
      '"config "*) ;;',
      "*) exit 64 ;;",
      "esac",
    ]);
    // Commands for a host run here, with the programs beside this one.
    this.program("host/sh", [
      '[ "$1" = -s ] || exec /bin/sh "$@"',
      "shift 2",
      'sed "s|/usr/local/lib/lvs-ha/|$FOLDER/|" | /bin/sh -s -- "$@"',
    ]);
    this.program("host/sudo", ["shift", 'exec "$@"']);
    this.program("host/drain.sh", [
      `echo "$NAME drain.sh $*" >>"${calls}"`,
      'cat "$FOLDER/$NAME.drain" >&2',
      '! grep -q "check fails" "$FOLDER/$NAME.drain"',
    ]);
    this.program("host/ip", ['grep -o "\\"local\\":\\"$5\\"" "$FOLDER/$NAME.report"']);
    this.program("host/systemctl", [
      `echo "$NAME systemctl $*" >>"${calls}"`,
      'cp "$FOLDER/../after"/* "$FOLDER"',
    ]);
    this.program("host/journalctl", [
      `echo "$NAME journalctl $*" >>"${calls}"`,
      'cat "$FOLDER/$NAME.journal"',
    ]);
    rmSync(this.file("host/date"), { force: true });
  }

  /**
   * Adds a program to every host (`host/NAME`) or to the operator's machine (`bin/NAME`), until the
   * next reset.
   */
  program(path: string, lines: string[]): void {
    writeFileSync(this.file(path), ["#!/bin/sh", ...lines, ""].join("\n"));
    chmodSync(this.file(path), 0o755);
  }

  /** Changes the text of an existing program. */
  changeProgram(path: string, from: string, to: string): void {
    const text = readFileSync(this.file(path), "utf8");
    if (!text.includes(from)) throw new Error(`the test's ${path} has no ${from}`);
    writeFileSync(
      this.file(path),
      text.replace(from, () => to),
    );
  }

  private report(name: string, command: string, input: string): string {
    const words = parse(command).filter((word) => typeof word === "string");
    const path = this.file(`host/${name}.report`);
    const sections = new Map(parseReport(readFileSync(path, "utf8")));
    appendFileSync(this.file("calls"), `${name} report\n`);
    const later = this.file(`later/${name}.report`);
    const isAfter = this.done().some((call) => /^up |systemctl/.test(call));
    if (isAfter && existsSync(later)) renameSync(later, path);
    const verified = [...input.matchAll(/^verified '([^']+)' /gm)].map(
      ([, step]) => `verify=${step}`,
    );
    return reportText(answered(sections, [...words.slice(words.indexOf("--") + 1), ...verified]));
  }

  /** Changes the answers of a host. */
  says(name: string, change: (sections: Sections) => void, when: When = "now"): void {
    const sections =
      when === "now"
        ? new Map(parseReport(readFileSync(this.file(`host/${name}.report`), "utf8")))
        : sampleReport(name);
    change(sections);
    const folder = when === "now" ? "host" : when;
    writeFileSync(this.file(`${folder}/${name}.report`), reportText(sections));
  }

  /** After the next action, lvs2 is active. */
  movesTheAddress(): void {
    this.says(
      "lvs1",
      (sections) => {
        takeAddress(sections);
        entered(sections, "MASTER", "BACKUP");
      },
      "after",
    );
    this.says("lvs2", giveAddress, "after");
  }

  /** Adds lvs3 to the stack. */
  addThirdDirector(priority: number): void {
    writeFileSync(this.file(`host/${third}.report`), reportText(thirdReport(priority)));
    writeFileSync(this.file(`host/${third}.drain`), "");
    this.setState(stateOfThree(priority));
  }

  /** Moves the virtual server to this port of the test's machine. */
  servesHere(port: number): void {
    const moved = (text: string) =>
      text
        .replaceAll("192.0.2.100:80", `127.0.0.1:${port}`)
        .replace(/(192\.0\.2\.2\d):80\b/g, `$1:${port}`);
    this.changeState((text) =>
      withModels(({ services }) => {
        for (const service of services) {
          const traffic = [{ protocol: "TCP", address: "127.0.0.1", port }];
          Object.assign(service, { service: moved(service.service), port, traffic });
        }
      }, text),
    );
    for (const name of ["lvs1", "lvs2"]) {
      this.says(name, (sections) => {
        for (const [question, { status, text }] of sections) {
          sections.set(question, { status, text: moved(text) });
        }
      });
    }
  }

  /** Sets the state of a stack whose hosts have the lab's addresses, moved to this machine. */
  private setState(text: string): void {
    const state = JSON.parse(text) as State;
    for (const { urn, inputs } of state.deployment.resources) {
      if (!inputs?.connection) continue;
      const server = this.servers.get(/::pair-(?:ssh-)?(\w+)-/.exec(urn)?.[1] ?? "");
      const connection = JSON.parse(inputs.connection.plaintext) as {
        privateKey?: { plaintext: string };
      };
      if (connection.privateKey) {
        connection.privateKey.plaintext = JSON.stringify(this.key.private);
      }
      inputs.connection.plaintext = JSON.stringify({
        ...connection,
        host: "127.0.0.1",
        port: server?.port,
        hostKey: server?.hostKeys[0],
      });
    }
    writeFileSync(this.file("state.json"), JSON.stringify(state));
  }

  /** Changes the text of the state. */
  changeState(change: (text: string) => string): void {
    const text = readFileSync(this.file("state.json"), "utf8");
    const changed = change(text);
    if (changed === text) throw new Error("the state has nothing to be changed so");
    writeFileSync(this.file("state.json"), changed);
  }

  /** Changes the resources with this name in the state. */
  changeResource(name: string, change: (resource: Resource) => void): void {
    this.changeState((text) => {
      const state = JSON.parse(text) as State;
      const own = state.deployment.resources.filter(({ urn }) => urn.endsWith(`::${name}`));
      own.forEach(change);
      return JSON.stringify(state);
    });
  }

  /** Puts a director into maintenance in the state. */
  stops(director: string): void {
    this.changeResource(`pair-${director}-keepalived`, ({ inputs }) => {
      if (inputs?.create) inputs.create = inputs.create.replace(" #", " stopped #");
    });
    this.changeState((text) =>
      withModels((model) => (model.inMaintenance = true), text, [director]),
    );
  }

  /** Gives the directors two VRRP instances: see twoInstances.ts. */
  hasTwoInstances(): void {
    this.changeState((text) => withModels(doesTwo, text));
  }

  /** Makes these hosts unreachable: no program listens on their port. */
  cannotReach(...hosts: string[]): void {
    for (const name of hosts) {
      const port = String(this.server(name).port);
      this.changeState((text) => text.replaceAll(`\\"port\\":${port},`, '\\"port\\":1,'));
    }
  }

  server(name: string): SshServer {
    const server = this.servers.get(name);
    if (server === undefined) throw new Error(`no host ${name}`);
    return server;
  }

  /** Sets the hosts in the stack config, and `maintenance`; undefined removes the key. */
  configure(maintenance: string[] | undefined): void {
    const entry = (objectValue: unknown) => ({ value: "", objectValue, secret: false });
    const hosts = (start: string) =>
      entry(names.filter((name) => name.startsWith(start)).map((name) => ({ name })));
    this.setConfig({
      "lvs-ha:directors": hosts("lvs"),
      "lvs-ha:realServers": hosts("web"),
      ...(maintenance ? { "lvs-ha:maintenance": entry(maintenance) } : {}),
    });
  }

  setConfig(config: object): void {
    writeFileSync(this.file("config.json"), JSON.stringify(config));
  }

  /** Makes the config look edited since the last pulumi up. */
  editConfig(): void {
    writeFileSync(
      this.file("changed"),
      "error: no changes were expected but changes were proposed\n",
    );
  }

  private options(options: LvsOptions): LvsOptions {
    return {
      ...options,
      env: {
        PATH: `${this.file("bin")}${delimiter}${process.env.PATH}`,
        XDG_RUNTIME_DIR: this.folder,
        ...options.env,
      },
    };
  }

  lvs(...args: string[]): Promise<Ended> {
    return lvs(args, this.options({}));
  }

  lvsWith(options: LvsOptions, ...args: string[]): Promise<Ended> {
    return lvs(args, this.options(options));
  }

  startLvs(...args: string[]): Promise<Running> {
    return startLvs(args, this.options({}));
  }

  lvsOnTerminal(typed: { cue: string; answer: string }, ...args: string[]): Promise<Ended> {
    return lvsOnTerminal(typed, args, this.options({}));
  }

  /** The calls to pulumi and the hosts, in order. */
  calls(): string[] {
    return readFileSync(this.file("calls"), "utf8")
      .split("\n")
      .filter((call) => call !== "")
      .map((call) => call.replace(" --non-interactive", ""));
  }

  /** The calls other than looks, sorted. */
  done(): string[] {
    const looks = /^(stack export|config --json|preview --expect|\w+ report$)/;
    return this.calls()
      .filter((call) => !looks.test(call))
      .sort();
  }
}

/** Makes this the director's last state. */
export function entered(sections: Sections, from: string, to: string): void {
  edit(sections, "vrrp-states", `${from} VI_1`, `${to} VI_1`);
}

/** Sets web2's weight in a director's kernel. */
export function weightOfWeb2(weight: number) {
  return (sections: Sections): void => {
    edit(sections, "ipvs", /(192\.0\.2\.22:80 +Route +)1/, (found) =>
      found.replace(/1$/, String(weight)),
    );
  };
}
