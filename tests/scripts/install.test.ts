// A host's first command and its last: preflight, scripts and packages are installed; undo removes
// what the stack keeps there.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle, script, scriptsInTransit, scriptTexts } from "../../components/host/scripts";
import { withEnd } from "../../components/render/files";
import { parseFindings } from "../../ops/verify/scripts";
import { unmissedLines } from "./everyLine";
import { PretendHost } from "./host";
import { hostTree, type Tree } from "./hostTree";

const owner = "p-lvs1/10.10.0.11";
const home = "/usr/local/lib/lvs-ha";
const demands = ["director", "debian", "12", "2000000", "eth1=192.0.2.11/24 eth2"];
const packages = "ipvsadm keepalived";

let host: PretendHost;
/** The host before the first command. */
let found: Tree;

const log = (text: string) => `echo "${text}" >>"$FOLDER/tmp/log"`;

/**
 * Stand-ins for preflight.sh and packages.sh that log their calls. Files tell them whether the host
 * is fit and has the packages.
 */
const beside = {
  "preflight.sh": [
    log(`preflight $*, $(ls ${home} 2>/dev/null | wc -l) scripts there`),
    '[ ! -e "$FOLDER/tmp/unfit" ]',
  ],
  "packages.sh": [
    "#!/bin/sh",
    `[ "$1" != --verify ] || { printf 'same 0 0 packages %s\\n\\n\\n' "$2"; exit 0; }`,
    "exec 8>/run/lvs-ha.lock; if /usr/bin/flock -n 8; then lock=free; else lock=taken; fi",
    log(`$0 $*, $(ls ${home} | wc -l) scripts there, lock $lock`),
    '[ ! -e "$FOLDER/tmp/no-packages" ] || exit 7',
  ],
};

beforeEach(() => {
  host = new PretendHost();
  for (const file of ["/etc/hosts", "/etc/lvs-ha-not", "/local/other", "/var/lib/lvs-ha-not"]) {
    host.write(file, "of somebody else\n");
  }
  for (const folder of ["/run/mount", "/etc/systemd/system"]) {
    mkdirSync(host.at(folder), { recursive: true });
  }
  host.shell("systemctl daemon-reload");
  // A file that replaces another one must be on the disk first.
  mkdirSync(host.at("/tmp/on-disk"));
  host.program("sync", ['[ -d "$1" ] || cp "$1" "$FOLDER/tmp/on-disk/${1##*/}"']);
  host.program("mv", [
    `cmp -s "$2" "$FOLDER/tmp/on-disk/\${2##*/}" || ${log("$3 is not on the disk yet")}`,
    'exec /usr/bin/mv "$@"',
  ]);
  host.program("flock", [log("lock $*"), 'exec /usr/bin/flock "$@"']);
  for (const [name, lines] of Object.entries(beside)) {
    host.write(`/scripts/${name}`, `${lines.join("\n")}\n`, 0o755);
  }
  // On a host, these scripts lie beside install.sh.
  for (const name of ["earlier.sh", "files.sh", "transaction.sh"]) {
    host.write(`/scripts/${name}`, script(name));
  }
  for (const name of readdirSync(host.scripts).filter((file) => !names.includes(file))) {
    rmSync(join(host.scripts, name));
  }
  found = left();
});

afterEach(() => {
  host.remove();
});

/** The files on the host, without those of the pretence. */
const left = () =>
  Object.fromEntries(
    Object.entries(hostTree(host)).filter(([path]) =>
      /^\/(etc|local|run|systemd|var)(\/|$)/.test(path),
    ),
  );

/** Runs a command and returns all visible results. */
function run(words: string[], input = "") {
  const line = `umask 022; mount --bind "$FOLDER/local" /usr/local/lib; exec "$@"`;
  const result = host.shell(line, words, input);
  const calls = host.read("/tmp/log") ?? "";
  rmSync(host.at("/tmp/log"), { force: true });
  return { ...result, calls };
}

const apply = (as = owner) =>
  run(["sh", join(host.scripts, "install.sh"), "apply", host.scripts, as, ...demands, packages]);
/** Runs undo as the engine does. */
const undo = (as = owner) => run([`${home}/install.sh`, "undo", as]);

/** A sufficient part of the scripts. Another test checks that all of them arrive. */
const names = [
  ...["earlier.sh", "files.sh", "install.sh", "kernel.sh", "packages.sh", "preflight.sh"],
  "transaction.sh",
];
const staged = (name: string) => readFileSync(join(host.scripts, name), "utf8");
const rollbackUnit = readFileSync(join(__dirname, "golden/lvs-ha-rollback.service"), "utf8");
/** The files that apply installs. */
const brought = (as = owner): Tree => ({
  "/local/lvs-ha": "755 a folder",
  ...Object.fromEntries(names.map((name) => [`/local/lvs-ha/${name}`, `755 ${staged(name)}`])),
  "/run/lvs-ha.lock": "644 ",
  "/var/lvs-ha": "700 a folder",
  "/etc/systemd/system/lvs-ha-rollback.service": `644 ${rollbackUnit}`,
  "/systemd/enabled/lvs-ha-rollback.service": "644 \n",
  "/systemd/loaded/lvs-ha-rollback.service": `644 ${rollbackUnit}`,
  ...Object.fromEntries(
    ["", "/etc", "/etc/systemd", "/etc/systemd/system"].map((folder) => [
      `/var/lvs-ha/original${folder}`,
      "755 a folder",
    ]),
  ),
  "/var/lvs-ha/original/etc/systemd/system/lvs-ha-rollback.service.absent": "644 ",
  "/var/lvs-ha/owners": "755 a folder",
  "/var/lvs-ha/owners/install.sh": `644 ${as}\n`,
});
const preflightCalled = (there: number) =>
  `preflight ${demands.join(" ")} ${packages}, ${there} scripts there\n`;
const packagesCalled = `${home}/packages.sh ${packages}, ${names.length} scripts there, lock free\n`;
const locked = "lock -w 300 9\n";

test("preflight first, then the scripts and their owner, then the packages", () => {
  expect(apply()).toEqual({
    code: 0,
    stdout: "",
    stderr: `scripts: wrote /etc/systemd/system/lvs-ha-rollback.service\nscripts: in ${home}\n`,
    calls: preflightCalled(0) + locked + packagesCalled,
  });
  expect(left()).toEqual({ ...found, ...brought() });
});

test("nothing is changed on a host that is not fit", () => {
  host.write("/tmp/unfit", "");
  expect(apply()).toEqual({ code: 1, stdout: "", stderr: "", calls: preflightCalled(0) });
  expect(left()).toEqual(found);
});

test("packages that can't be had are a failure", () => {
  host.write("/tmp/no-packages", "");
  expect(apply()).toMatchObject({
    code: 7,
    calls: expect.stringContaining(packagesCalled) as string,
  });
});

test("newer scripts take the place of the ones that are there, for a new owner, too", () => {
  apply();
  // Left by a killed run.
  host.write("/local/lvs-ha/.new/old.sh", "# older\n");
  host.write("/scripts/kernel.sh", "# newer\n");
  expect(apply("p-new/10.10.0.11")).toMatchObject({
    code: 0,
    calls: preflightCalled(names.length) + locked + packagesCalled,
  });
  expect(left()).toEqual({ ...found, ...brought("p-new/10.10.0.11") });
});

test("a disk that is full before all of them have come leaves those that were there", () => {
  apply();
  const before = left();
  for (const name of names) host.write(`/scripts/${name}`, `${staged(name)}# newer\n`);
  host.program("cp", [
    'case $1 in */packages.sh) echo "No space left on device" >&2 && exit 1 ;; esac',
    'exec /usr/bin/cp "$@"',
  ]);
  expect(apply().code).toBe(1);
  expect(left()).toEqual(before);
});

/** Files that other steps may leave when they are undone. */
const leftovers = () => {
  for (const file of [
    "/run/lvs-ha/0123abcd/kernel.sh",
    "/etc/lvs-ha/files",
    "/var/lib/lvs-ha/original/etc/x",
    "/local/lvs-ha/old.sh",
  ]) {
    host.write(file, "of the stack\n");
  }
};

test("undo takes away all that the stack keeps on a host, and nothing else", () => {
  apply();
  leftovers();
  expect(undo()).toEqual({
    ...{ code: 0, stdout: "", calls: locked },
    stderr: "scripts: removed /etc/systemd/system/lvs-ha-rollback.service\n",
  });
  expect(left()).toEqual({ ...found, "/run/lvs-ha.lock": "644 " });
});

test("undone under an old name, it leaves alone what has a new one", () => {
  apply("p-new/10.10.0.11");
  const before = left();
  expect(undo()).toMatchObject({
    code: 0,
    stderr: "scripts: kept, it belongs to p-new/10.10.0.11 now\n",
  });
  expect(left()).toEqual(before);
});

/** Runs verify as `lvs verify` does, beside scripts of its own. */
const verify = (input = withEnd("")) =>
  run(["sh", join(host.scripts, "install.sh"), "verify", owner, ...demands, packages], input);

/** The findings other than "same". */
function different() {
  const before = left();
  const { code, stdout, stderr, calls } = verify();
  expect([code, stderr, calls, left()]).toEqual([0, "", "", before]);
  const all = parseFindings(stdout);
  expect(all).toContainEqual({ verdict: "same", title: `packages ${packages}` });
  return all.filter(({ verdict }) => verdict !== "same");
}

test("verify names each installed script that is not this version's, and another owner", () => {
  apply();
  expect(different()).toEqual([]);
  const installed = host.read("/local/lvs-ha/kernel.sh") ?? "";
  host.write("/local/lvs-ha/kernel.sh", "# mine\n");
  rmSync(host.at("/local/lvs-ha/preflight.sh"));
  chmodSync(host.at("/local/lvs-ha/packages.sh"), 0o700);
  host.write("/var/lib/lvs-ha/owners/install.sh", "other\n");
  expect(different()).toEqual([
    {
      ...{ verdict: "differs", title: "/var/lib/lvs-ha/owners/install.sh" },
      ...{ wanted: `${owner}\n`, found: "other\n" },
    },
    {
      ...{ verdict: "differs", title: `${home}/kernel.sh` },
      ...{ wanted: installed, found: "# mine\n" },
    },
    {
      ...{ verdict: "differs", title: `mode of ${home}/packages.sh` },
      ...{ wanted: "0755 root:root\n", found: "0700 root:root\n" },
    },
    { verdict: "missing", title: `${home}/preflight.sh` },
  ]);
});

test("verify says so when it was not asked to the end", () => {
  expect(verify("")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^scripts: the connection broke/) as string,
  });
});

describe("what the engine sends", () => {
  const stage = scriptsInTransit();
  const bring = () => run(["sh", "-s"], bundle());

  beforeEach(() => {
    host.write("/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    mkdirSync(host.at("/run/systemd/system"), { recursive: true });
    host.program("df", ["printf 'head\\n/dev/vda1 9999999 1 9999998 1%% /\\n'"]);
    host.program("dpkg-query", ["echo installed"]);
  });

  test("brings the same, with the real preflight, and leaves nothing in the way", () => {
    host.write("/run/lvs-ha/0badcafe/kernel.sh", "# of a version before\n");
    host.write("/run/lvs-ha/changed-by", "{}\n");
    expect(bring()).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const words = ["real-server", "debian", "12", "1", "lo", packages];
    const { code, stdout, stderr } = run([
      ...["sh", `${stage}/install.sh`, "apply", stage, owner],
      ...words,
    ]);
    expect([
      code,
      stdout,
      stderr
        .replace(/kernel \S+:/, "kernel X:")
        .split("\n")
        .slice(1),
    ]).toEqual([
      0,
      "",
      [
        "preflight: debian 12, kernel X: fit to be a real-server",
        "scripts: wrote /etc/systemd/system/lvs-ha-rollback.service",
        `scripts: in ${home}`,
        "packages: all there",
        "",
      ],
    ]);
    for (const [name, text] of Object.entries(scriptTexts())) {
      expect(host.read(`/local/lvs-ha/${name}`)).toBe(text);
    }
    expect(host.shell("ls /run/lvs-ha").stdout).toBe(
      `${stage.split("/").at(-1) ?? ""}\nchanged-by\n`,
    );
    expect(host.read("/var/lib/lvs-ha/changed-by")).toBe("{}\n");
    expect(
      Object.keys(hostTree(host)).filter((path) => /^\/tmp\/(?!on-disk|told)/.test(path)),
    ).toEqual([]);
  });

  test("is root's alone, comes once, and tells of a director that serves", () => {
    host.write("/systemd/active/keepalived.service", "active\n");
    expect(bring()).toMatchObject({ code: 0, stdout: "serving\n", stderr: "" });
    expect(host.shell("stat -c %a /run/lvs-ha").stdout).toBe("700\n");
    const file = `${stage}/kernel.sh`;
    host.write(file, "# still there\n");
    expect(bring()).toMatchObject({ code: 0, stdout: "serving\n" });
    expect(host.read(file)).toBe("# still there\n");
    expect(host.shell("ls /run/lvs-ha").stdout.split("\n")).toHaveLength(2);
  });
});

test("no line of the script can be lost without one of these cases to show it", () => {
  const cases = [
    () => {
      host.write("/run/lvs-ha/changed-by", "{}\n");
      return [apply(), left(), undo(), left()];
    },
    () => {
      host.write("/tmp/unfit", "");
      return [apply(), left()];
    },
    () => {
      const applied = apply("p-new/10.10.0.11");
      leftovers();
      return [applied, undo(), left(), undo("p-new/10.10.0.11"), left()];
    },
    () => [apply(), verify(), verify("")],
  ];
  const runs = cases.map((shown) => (changed: string) => {
    for (const path of [
      "/local/lvs-ha",
      "/etc/lvs-ha",
      "/etc/systemd/system/lvs-ha-rollback.service",
      "/systemd/enabled/lvs-ha-rollback.service",
      "/var/lib/lvs-ha",
      "/run/lvs-ha",
      "/run/lvs-ha.lock",
      "/tmp/unfit",
    ]) {
      rmSync(host.at(path), { recursive: true, force: true });
    }
    host.write("/scripts/install.sh", changed);
    return shown();
  });
  expect(unmissedLines(script("install.sh"), runs)).toEqual([]);
}, 120_000);
