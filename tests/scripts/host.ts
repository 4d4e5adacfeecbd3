// A host for the scripts of templates/scripts: its files are a folder's, and what would change the machine is stood in for.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { withEnd } from "../../components/render/files";

const scriptsFolder = join(__dirname, "../../templates/scripts");

/** Programs that ask or change systemd, IPVS and the firewall, one each; what they keep is in folders of the host's. */
const standIns = join(__dirname, "stand-ins");

/** What the machine's own programs need of /etc. */
const kept = ["alternatives/awk", "ld.so.cache", "passwd", "group", "nsswitch.conf", "protocols"];

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

export class PretendHost {
  readonly folder = mkdtempSync(join(tmpdir(), "lvs-ha-host-"));

  /** Where the scripts are on it. */
  readonly scripts = join(this.folder, "scripts");

  constructor() {
    const systemd = ["active", "enabled", "lib", "loaded"].map((name) => join("systemd", name));
    const others = ["bin", "etc", "ipvs", "nft", "run", "stand-ins", "tmp", "ufw", "var"];
    for (const name of [...systemd, ...others]) {
      mkdirSync(join(this.folder, name), { recursive: true });
    }
    for (const name of ["ipvs/table", "journal", "ufw/added"]) {
      writeFileSync(join(this.folder, name), "");
    }
    writeFileSync(join(this.folder, "uptime"), "100.00 100.00\n");
    cpSync(scriptsFolder, this.scripts, { recursive: true });
    // Units name them by the place that they have on a host.
    const files = readFileSync(join(this.scripts, "files.sh"), "utf8");
    writeFileSync(
      join(this.scripts, "files.sh"),
      files.replace(/^home=.*$/m, `home=${this.scripts}`),
    );
    for (const name of readdirSync(this.scripts)) chmodSync(join(this.scripts, name), 0o755);
    for (const name of readdirSync(standIns)) {
      const [place, mode] = name.endsWith(".sh") ? ["stand-ins", 0o755] : ["systemd/lib", 0o644];
      const file = join(this.folder, place, name.replace(/[.]sh$/, ""));
      cpSync(join(standIns, name), file);
      chmodSync(file, mode);
    }
    for (const name of kept.filter((file) => existsSync(join("/etc", file)))) {
      cpSync(join("/etc", name), join(this.folder, "etc", name), {
        recursive: true,
        verbatimSymlinks: true,
      });
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Puts a program before the stand-in and the machine's of that name. It finds the host's folder in $FOLDER. */
  program(name: string, lines: string[]): void {
    writeFileSync(join(this.folder, "bin", name), ["#!/bin/sh", ...lines, ""].join("\n"), {
      mode: 0o755,
    });
  }

  /** A sleep of any length is over at once, and makes the host so many seconds older. */
  sleeps(seconds: number, meanwhile: string[] = []): void {
    this.program("sleep", [
      ...meanwhile,
      "read -r up idle </proc/uptime",
      `echo "$((\${up%.*} + ${seconds})).00 $idle" >"$FOLDER/uptime"`,
    ]);
  }

  /**
   * Runs one of templates/scripts, as root of namespaces of its own: a network and interfaces last as long as the run. What it is to
   * apply or to restore comes whole.
   */
  script(name: string, args: string[], input = ""): Result {
    const isRead = ["apply", "verify", "restore", "withdraw", "join"].includes(args[0] ?? "");
    const words = [join(this.scripts, name), ...args];
    return this.shell(`exec "$@"`, words, isRead ? withEnd(input) : input);
  }

  /** Runs a line of shell, likewise. */
  shell(line: string, args: string[] = [], input = ""): Result {
    const { status, signal, stdout, stderr, error } = spawnSync(
      "unshare",
      [
        ...["--map-root-user", "--net", "--mount", "sh", join(__dirname, "host.sh"), this.folder],
        ...["sh", "-c", line, "sh", ...args],
      ],
      {
        input,
        encoding: "utf8",
        timeout: 25_000,
        // Nobody has come by SSH, wherever the tests run.
        env: { ...process.env, SSH_CONNECTION: "" },
      },
    );
    if (error) throw error;
    return { code: status ?? (signal === null ? -1 : 128), stdout, stderr };
  }

  /** A file of the host; undefined where there is none. */
  read(path: string): string | undefined {
    const file = this.at(path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text, { mode });
  }

  /** Where a file of the host is: /etc/x, /var/lib/x, /run/x, or one beside them. */
  at(path: string): string {
    return join(this.folder, path.replace(/^\/var\/lib\//, "/var/"));
  }
}
