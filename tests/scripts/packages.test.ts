// Packages on a host with stand-ins for apt and dpkg: the orders that they get, and what happens
// while another program holds their locks.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PretendHost } from "./host";

let host: PretendHost;

const held = {
  lists:
    "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)\nE: Unable to lock directory /var/lib/apt/lists/",
  frontend:
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 813 (unattended-upgr)",
  dpkg: "dpkg: error: dpkg frontend lock was locked by another process with pid 813\nNote: removing the lock file is always wrong",
};

beforeEach(() => {
  host = new PretendHost();
  host.sleeps(2);
  host.program("dpkg-query", [
    `[ "$1 $2 $3" = '-W -f \${db:Status-Status} \${Version}' ] || exit 64`,
    'cat "$FOLDER/packages/$4" 2>/dev/null',
  ]);
  host.program("flock", ['echo "flock $*" >>"$FOLDER/asked"', 'exec /usr/bin/flock "$@"']);
  // Each of these files is a lock that causes as many refusals as it has lines.
  const refused = (name: string, code: number) =>
    `if [ -s "$FOLDER/tmp/${name}" ]; then sed -i 1d "$FOLDER/tmp/${name}"; cat "$FOLDER/says-${name}" >&2; exit ${code}; fi`;
  // A program that asks questions would read the input here, and so get a wrong answer.
  const note = (words: string) =>
    `echo "${words} [$(cat)]\${LC_ALL:+ LC_ALL=$LC_ALL} \${DEBIAN_FRONTEND-a dialog}" >>"$FOLDER/asked"`;
  host.program("apt-get", [
    "case $* in *update*) lock=lists ;; *) lock=frontend ;; esac",
    `case $lock in lists) ${refused("lists", 100)} ;; *) ${refused("frontend", 100)} ;; esac`,
    note("apt-get $*"),
    '[ ! -e "$FOLDER/tmp/broken" ] || { seq 30; echo "E: Unable to locate package nmon" >&2; exit 100; }',
  ]);
  host.program("dpkg", [
    "case $1 in",
    '--audit) [ ! -e "$FOLDER/tmp/dpkg" ] || echo "The following packages are only half configured" ;;',
    "*)",
    refused("dpkg", 2),
    note("dpkg $*"),
    '[ ! -e "$FOLDER/tmp/broken" ] || { echo "dpkg: error processing package ufw"; exit 1; } ;;',
    "esac",
  ]);
  for (const [name, text] of Object.entries(held)) host.write(`/says-${name}`, `${text}\n`);
});

afterEach(() => {
  host.remove();
});

/** Installs in a login with an environment of its own, while someone types "y". */
const install = (packages = "curl nmon") =>
  host.shell(
    'unset DEBIAN_FRONTEND; LC_ALL=de_DE.UTF-8 exec "$@"',
    [join(host.scripts, "packages.sh"), packages],
    "y\n",
  );
const waited = () => Number(host.read("/uptime")?.split(".")[0]) - 100;

/** The orders to apt and dpkg, in order, once they were free. */
const asked = () => (host.read("/asked") ?? "").split("\n").slice(0, -1);
const lock = "flock -w 300 9";
const alone = (words: string) => `${words} [] LC_ALL=C noninteractive`;
const apt = (words: string) =>
  alone(`apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 ${words}`);
const update = apt("update");
/** Keeps files of the package that were changed on this host. */
const keepFiles = "-o Dpkg::Options::=--force-confold";

test("that are missing are installed from fresh lists: no others, no questions, no file of the operator's replaced", () => {
  host.write("/packages/curl", "installed 7.88.1");
  host.write("/packages/ufw", "config-files 0.36");
  const { code, stdout, stderr } = install("curl nmon ufw");
  expect([code, stdout, stderr]).toEqual([
    0,
    "",
    "packages: installing nmon ufw\npackages: installed nmon ufw\n",
  ]);
  expect(asked()).toEqual([
    lock,
    update,
    apt(`install --no-install-recommends --no-remove ${keepFiles} nmon ufw`),
  ]);
  expect(readdirSync(host.at("/tmp"))).toEqual([]);
});

test("that are there are not asked for", () => {
  host.write("/packages/curl", "installed 7.88.1");
  host.write("/packages/nmon", "installed 16n");
  expect(install()).toEqual({ code: 0, stdout: "", stderr: "packages: all there\n" });
  expect(asked()).toEqual([]);
});

describe("that take others away", () => {
  /** What apt prints about ufw on a host with rules of its own. */
  const conflict = (code: number, says: string) => {
    host.program("apt-get", [
      'case "$*" in',
      `*" -s "*) echo "$* $(cat)" >>"$FOLDER/simulated"; case $* in *--remove) ;; *) exit 100 ;; esac; ${says}; exit ${code} ;;`,
      "*--no-remove*) echo 'E: Packages need to be removed but remove is disabled.' >&2; exit 100 ;;",
      "esac",
    ]);
  };

  test("are not installed: they are named, and the ways out", () => {
    conflict(
      0,
      'printf "%s\\n" "Remv iptables-persistent [1.0.20]" "Remv netfilter-persistent [1.0.20]" "Inst ufw (0.36.2-1 Debian)" "Conf ufw"',
    );
    expect(install("ufw")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "packages: installing ufw\npackages: installing ufw would remove iptables-persistent, netfilter-persistent, which this host has, so nothing was changed; remove what it doesn't need by hand, or have the stack ask for another package: firewall.backend nftables or none, packages\n",
    });
    expect(host.read("/simulated")?.trim().split("\n")).toHaveLength(1);
    expect(readdirSync(host.at("/tmp"))).toEqual([]);
  });

  test.each([
    ["where none would be taken away", 0, "echo Inst ufw"],
    ["where apt can't tell", 100, "echo Remv x"],
  ])("are not blamed %s: apt's own words are told", (_, code, says) => {
    conflict(code, says);
    const { stderr } = install("ufw");
    expect(stderr).toContain("E: Packages need to be removed but remove is disabled.\n");
    expect(stderr).toContain("packages: apt-get install failed");
    expect(stderr).not.toContain("would remove");
  });
});

test("that dpkg left half-way are brought to their end first, with the operator's files", () => {
  host.write("/tmp/dpkg", "");
  expect(install().code).toBe(0);
  expect(asked().slice(0, 3)).toEqual([lock, alone("dpkg --configure -a --force-confold"), update]);
});

test("that dpkg can't bring to an end are an error, with its words", () => {
  host.write("/tmp/dpkg", "");
  host.write("/tmp/broken", "");
  const { code, stderr } = install();
  expect([code, waited()]).toEqual([1, 0]);
  expect(stderr).toContain("packages: dpkg --configure -a: dpkg: error processing package ufw\n");
  expect(asked()).not.toContain(update);
});

test("are waited for while another program has them, with one line that says who", () => {
  host.write("/tmp/dpkg", ".\n".repeat(3));
  host.write("/tmp/lists", ".\n".repeat(10));
  host.write("/tmp/frontend", ".\n".repeat(10));
  const { code, stderr } = install();
  expect([code, stderr]).toEqual([
    0,
    [
      "packages: installing curl nmon",
      "packages: waiting, 300 s at most: dpkg: error: dpkg frontend lock was locked by another process with pid 813",
      "packages: installed curl nmon",
      "",
    ].join("\n"),
  ]);
  expect(waited()).toBe(46);
});

test("that another program keeps are an error after 300 s altogether, with apt's words", () => {
  // On a busy host, the time counts, not the number of tries.
  host.sleeps(20);
  host.write("/tmp/lists", ".\n".repeat(10));
  host.write("/tmp/frontend", ".\n".repeat(10));
  const { code, stderr } = install();
  expect(code).toBe(1);
  expect(stderr).toContain(
    "waiting, 300 s at most: E: Could not get lock /var/lib/apt/lists/lock.",
  );
  expect(stderr).toContain("(unattended-upgr)\npackages: apt-get install failed");
  expect(waited()).toBe(300);
});

test("that can't be had are an error at once, with apt's last words", () => {
  host.write("/tmp/broken", "");
  const { code, stderr } = install();
  expect([code, waited()]).toEqual([1, 0]);
  expect(stderr).toBe(
    [
      "packages: installing curl nmon",
      ...Array.from({ length: 19 }, (_, i) => `    ${i + 12}`),
      "    E: Unable to locate package nmon",
      "packages: apt-get update failed; nothing of the load balancer was changed",
      "",
    ].join("\n"),
  );
});

describe("a version", () => {
  beforeEach(() => {
    host.write("/packages/keepalived", "installed 1:2.2.7-1");
    host.write("/packages/curl", "installed 7.88.1");
  });

  test("that is there already is not installed; any version is enough where none is asked for", () => {
    expect(install("keepalived=1:2.2.7-1 curl")).toMatchObject({
      code: 0,
      stderr: "packages: all there\n",
    });
    expect(asked()).toEqual([]);
  });

  test.each(["1:2.2.6-1", "1:2.2.7"])(
    "that isn't there (%s) is installed, though it is older, or the one that is there is held",
    (version) => {
      expect(install(`keepalived=${version} curl`).code).toBe(0);
      const may = "--allow-downgrades --allow-change-held-packages";
      expect(asked()).toEqual([
        lock,
        update,
        apt(
          `install --no-install-recommends --no-remove ${may} ${keepFiles} keepalived=${version}`,
        ),
      ]);
    },
  );

  test("needs the package source's lists, which can be read alone", () => {
    expect(install("--lists")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(asked()).toEqual([lock, update]);
  });
});
