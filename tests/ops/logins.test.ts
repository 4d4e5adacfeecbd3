// How many hosts are logged in to at once. A stand-in for ssh counts the logins that are still
// starting.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { waitFor } from "../../lab/waitFor";
import { lvs, startLvs } from "../support/lvs";
import { reportText, sample, sampleReport } from "./sampleHosts";

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-logins-"));
const file = (name: string) => join(folder, name);
const env = {
  FOLDER: folder,
  PATH: `${file("bin")}${delimiter}${process.env.PATH}`,
  XDG_RUNTIME_DIR: folder,
};

/**
 * The number of starting logins that a bastion's sshd accepts before it drops some:
 * sshd_config(5)'s MaxStartups is 10:30:100 by default.
 */
const most = 8;

const directors = Array.from({ length: 12 }, (_, i) => `lvs${i + 1}`);
const realServers = Array.from({ length: 18 }, (_, i) => `web${i + 1}`);

interface Resource {
  urn: string;
}

/** The sample's state with more hosts: directors copied from lvs2, real servers from web3. */
function stateOfMany(): string {
  const state = JSON.parse(sample("state.json")) as { deployment: { resources: Resource[] } };
  const { resources } = state.deployment;
  const clone = (from: string, to: string) =>
    resources
      .filter(({ urn }) => new RegExp(`::pair-(ssh-)?${from}\\b`).test(urn))
      .map((resource) => JSON.parse(as(from, to, JSON.stringify(resource))) as Resource);
  const more = [
    ...directors.slice(2).flatMap((name) => clone("lvs2", name)),
    ...realServers.slice(3).flatMap((name) => clone("web3", name)),
  ];
  return JSON.stringify({ deployment: { resources: [...resources, ...more] } });
}

function as(from: string, to: string, text: string): string {
  return text.replace(new RegExp(`\\b${from}\\b`, "g"), to);
}

function program(name: string, lines: string[]): void {
  writeFileSync(file(`bin/${name}`), ["#!/bin/sh", ...lines, ""].join("\n"));
  chmodSync(file(`bin/${name}`), 0o755);
}

beforeAll(() => {
  for (const name of ["bin", "coming"]) mkdirSync(file(name));
  writeFileSync(file("state.json"), stateOfMany());
  for (const name of [...directors, ...realServers]) {
    const from = /^lvs1$|^web[12]$/.test(name) ? name : name.startsWith("lvs") ? "lvs2" : "web3";
    const said = [...sampleReport(from)].map(
      ([question, { status, text }]) => [question, { status, text: as(from, name, text) }] as const,
    );
    writeFileSync(file(`${name}.report`), reportText(new Map(said)));
  }
  const hosts = (names: string[]) => ({
    value: "",
    objectValue: names.map((name) => ({ name, host: name })),
  });
  const config = {
    "lvs-ha:directors": hosts(directors),
    "lvs-ha:realServers": hosts(realServers),
    "lvs-ha:maintenance": { value: "", objectValue: ["web1"] },
  };
  writeFileSync(file("config.json"), JSON.stringify(config));
  program("pulumi", [
    'case "$1 $2" in',
    '"stack export") cat "$FOLDER/state.json" ;;',
    '"stack import") cat >/dev/null ;;',
    '"config --json") cat "$FOLDER/config.json" ;;',
    "esac",
  ]);
  program("ssh", [
    'case " $* " in *" -O "*) exit 0 ;; esac',
    ': >"$FOLDER/coming/$$"',
    'ls "$FOLDER/coming" | wc -l >>"$FOLDER/counts"',
    "sleep 0.1",
    'rm "$FOLDER/coming/$$"',
    '[ "$2" != none ] || exit 255',
    "name=$3",
    "shift 4",
    'case "$*" in',
    '*"sh -s"*)',
    "    text=$(cat)",
    "    case $text in",
    '    *"What a host says of itself"*) cat "$FOLDER/$name.report" ;;',
    '    *) echo told && echo "drain: done" ;;',
    "    esac",
    "    ;;",
    '*) exec sh -c "$*" ;;',
    "esac",
  ]);
  program("sudo", ["shift", 'exec "$@"']);
  program("ip", ["exit 0"]);
  program("systemctl", ["exit 0"]);
  // An empty journal: `--follow` prints nothing.
  program("journalctl", [
    'case $* in *--follow*) echo >>"$FOLDER/followed" && exec sleep 60 ;; esac',
    "exit 0",
  ]);
});

beforeEach(() => {
  for (const name of ["counts", "followed"]) writeFileSync(file(name), "");
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const counts = () => readFileSync(file("counts"), "utf8").trim().split("\n").map(Number);

test.each<[command: string, hosts: number]>([
  ["status", 30],
  ["verify --no-through-vip", 30],
  ["logs", 30],
  ["scan-host-keys", 30],
  ["drain web2 --seconds 0", 12],
  ["undrain web2", 12],
  ["failover --to lvs1 --yes", 12],
  ["maintenance off web1 --yes", 30],
  ["repair --yes", 30],
])("%s logs in to a few of many hosts at a time, and to all of them", async (command, hosts) => {
  await lvs(command.split(" "), { env });
  expect(counts().length).toBeGreaterThanOrEqual(hosts);
  expect(Math.max(...counts())).toBeLessThanOrEqual(most);
});

test("logs --follow does so, too, and follows all of them, though none says anything", async () => {
  const running = await startLvs(["logs", "--follow"], { env });
  try {
    await waitFor(() => readFileSync(file("followed"), "utf8").length >= 30, {
      what: "all journals are followed",
      timeoutSeconds: 30,
    });
  } finally {
    running.child.kill();
    await running.ended;
  }
  // The operator sees none of this, for example no warning from Node about too many listeners.
  expect(running.said).toMatchObject({ stdout: "", stderr: "" });
  expect(counts()).toHaveLength(30);
  expect(Math.max(...counts())).toBeLessThanOrEqual(most);
});
