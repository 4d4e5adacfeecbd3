// A pretend host for templates/scripts: its files are in a folder, and stand-ins replace the
// programs that would change the machine.
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

/**
 * Stand-ins for programs that query or change systemd, IPVS and the firewall. They keep their state
 * in folders of the host.
 */
const standIns = join(__dirname, "stand-ins");

/** The parts of /etc that the machine's own programs need. */
const kept = ["alternatives/awk", "ld.so.cache", "passwd", "group", "nsswitch.conf", "protocols"];

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

export class PretendHost {
  readonly folder = mkdtempSync(join(tmpdir(), "lvs-ha-host-"));

  /** The folder with the scripts. */
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
    // Systemd units name the scripts by their path on a real host.
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

  /**
   * Adds a program that takes precedence over the stand-in and the machine's program of that name.
   * It finds the host's folder in $FOLDER.
   */
  program(name: string, lines: string[]): void {
    writeFileSync(join(this.folder, "bin", name), ["#!/bin/sh", ...lines, ""].join("\n"), {
      mode: 0o755,
    });
  }

  /** Makes every sleep return at once; the host's uptime advances by this many seconds. */
  sleeps(seconds: number, meanwhile: string[] = []): void {
    this.program("sleep", [
      ...meanwhile,
      "read -r up idle </proc/uptime",
      `echo "$((\${up%.*} + ${seconds})).00 $idle" >"$FOLDER/uptime"`,
    ]);
  }

  /**
   * Runs one of templates/scripts as root in its own namespaces: the network and its interfaces
   * last as long as the run. Input for apply, verify and restore gets its closing line.
   */
  script(name: string, args: string[], input = ""): Result {
    const isRead = ["apply", "verify", "restore", "withdraw", "join"].includes(args[0] ?? "");
    const words = [join(this.scripts, name), ...args];
    return this.shell(`exec "$@"`, words, isRead ? withEnd(input) : input);
  }

  /** Runs a line of shell in the same way. */
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
        // No SSH connection, wherever the tests run.
        env: { ...process.env, SSH_CONNECTION: "" },
      },
    );
    if (error) throw error;
    return { code: status ?? (signal === null ? -1 : 128), stdout, stderr };
  }

  /** A file of the host; undefined if there is none. */
  read(path: string): string | undefined {
    const file = this.at(path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text, { mode });
  }

  /** The real path of a host's file: /etc/x, /var/lib/x, /run/x, or one beside them. */
  at(path: string): string {
    return join(this.folder, path.replace(/^\/var\/lib\//, "/var/"));
  }
}
