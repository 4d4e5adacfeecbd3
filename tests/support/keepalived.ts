// The real keepalived of each Debian release, for --config-test: unpacked once into the cache, run
// in namespaces without root.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unpackPackage } from "./packages";

/** The Debian release of each keepalived version. */
export const suites = {
  "2.1.5": "bullseye",
  "2.2.7": "bookworm",
  "2.3.3": "trixie",
  "2.3.4": "forky",
} as const;

/** A keepalived version that tests can run. */
export type KeepalivedVersion = keyof typeof suites;

/** The interfaces and users of the director on which configs are tested. */
export const director = {
  interfaces: ["eth0", "eth1", "bond0.100", "enp0s31f6-12345", "weight", "E_1"],
  users: ["root", "nobody", "www-data", "_check", "weight"],
  /** Folder of the files that configs track; each file's own folder in it is created. */
  tracked: "/run/tracked",
};

/** A config, with the files that it needs. */
export interface Case {
  text: string;
  secrets?: string;
  scripts?: Record<string, string>;
  /** Paths in {@link director.tracked}. */
  trackedFiles?: string[];
}

/** keepalived's verdict: its exit code (0 accepts the config) and its output. */
export interface Verdict {
  code: number;
  says: string;
}

/** Unpacks a version's binary and libraries. Returns the folder for {@link configTest}. */
export function unpack(version: KeepalivedVersion): Promise<string> {
  return unpackPackage(suites[version], "keepalived");
}

/** The verdict on one config. */
export function configTest(folder: string, text: string, secrets = ""): Verdict {
  const cases = writeCases([{ text, secrets }]);
  try {
    const [program, ...args] = command(folder, cases);
    const { status, stderr, error } = spawnSync(program, args, {
      env,
      encoding: "utf8",
      timeout: 30_000,
      killSignal: "SIGKILL",
    });
    if (error) throw error;
    if (status !== 0) throw new Error(`config-test.sh ends with ${status}: ${stderr}`);
    return verdictOf(cases, 0);
  } finally {
    rmSync(cases, { recursive: true });
  }
}

/** The verdicts on many configs, in their order: 20 ms each. */
export async function configTests(folder: string, cases: Case[]): Promise<Verdict[]> {
  const size = Math.ceil(cases.length / availableParallelism()) || 1;
  const verdicts: Promise<Verdict[]>[] = [];
  for (let first = 0; first < cases.length; first += size) {
    verdicts.push(inOneNamespace(folder, cases.slice(first, first + size)));
  }
  return (await Promise.all(verdicts)).flat();
}

async function inOneNamespace(folder: string, cases: Case[]): Promise<Verdict[]> {
  const written = writeCases(cases);
  try {
    const [program, ...args] = command(folder, written);
    const child = spawn(program, args, {
      env,
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 30_000 + 1000 * cases.length,
      killSignal: "SIGKILL",
    });
    let stderr = "";
    child.stderr.on("data", (data) => (stderr += String(data)));
    const status = await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        resolve(code ?? signal);
      });
    });
    if (status !== 0) throw new Error(`config-test.sh ends with ${String(status)}: ${stderr}`);
    return cases.map((_, i) => verdictOf(written, i));
  } finally {
    rmSync(written, { recursive: true });
  }
}

const env = {
  ...process.env,
  INTERFACES: director.interfaces.join(" "),
  USERS: director.users.join(" "),
};

function command(folder: string, cases: string): [string, ...string[]] {
  return [
    "unshare",
    ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
    ...["--net", "--mount", "sh", join(__dirname, "config-test.sh"), folder, cases],
  ];
}

/** Writes the folder that config-test.sh reads, with a numbered folder for each case. */
function writeCases(cases: Case[]): string {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-config-test-"));
  chmodSync(folder, 0o755);
  cases.forEach(({ text, secrets = "", scripts = {}, trackedFiles = [] }, i) => {
    const at = join(folder, String(i).padStart(5, "0"));
    mkdirSync(join(at, "scripts"), { recursive: true });
    writeFileSync(join(at, "keepalived.conf"), text);
    writeFileSync(join(at, "secrets"), secrets);
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(at, "scripts", name), script, { mode: 0o755 });
    }
    if (trackedFiles.length > 0) {
      writeFileSync(join(at, "tracked"), trackedFiles.map((file) => `${dirname(file)}\n`).join(""));
    }
  });
  return folder;
}

function verdictOf(cases: string, i: number): Verdict {
  const at = join(cases, String(i).padStart(5, "0"));
  return {
    code: Number(readFileSync(join(at, "code"), "utf8")),
    says: readFileSync(join(at, "says"), "utf8"),
  };
}
