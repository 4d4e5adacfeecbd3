// Packages on a host whose apt and dpkg are stood in for: what is done while another program has them.
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
  host.program("dpkg-query", ["exit 1"]);
  // Each of these files is a lock: as many refusals as it has lines.
  const refused = (name: string, code: number) =>
    `if [ -s "$FOLDER/tmp/${name}" ]; then sed -i 1d "$FOLDER/tmp/${name}"; cat "$FOLDER/tmp/says-${name}" >&2; exit ${code}; fi`;
  host.program("apt-get", [
    'echo "$*" | grep -oE "update|install" >>"$FOLDER/tmp/asked"',
    "case $* in *update*) lock=lists ;; *) lock=frontend ;; esac",
    '[ ! -e "$FOLDER/tmp/broken" ] || { echo "E: Unable to locate package nmon" >&2; exit 100; }',
    `case $lock in lists) ${refused("lists", 100)} ;; *) ${refused("frontend", 100)} ;; esac`,
  ]);
  host.program("dpkg", [
    "case $1 in",
    '--audit) [ ! -s "$FOLDER/tmp/dpkg" ] || echo "The following packages are only half configured" ;;',
    `*) ${refused("dpkg", 2)} ;;`,
    "esac",
  ]);
  for (const [name, text] of Object.entries(held)) host.write(`/tmp/says-${name}`, `${text}\n`);
});

afterEach(() => {
  host.remove();
});

const install = () => host.script("packages.sh", ["curl nmon"]);
const waited = () => Number(host.read("/uptime")?.split(".")[0]) - 100;

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
  host.write("/tmp/lists", ".\n".repeat(100));
  host.write("/tmp/frontend", ".\n".repeat(100));
  const { code, stderr } = install();
  expect(code).toBe(1);
  expect(stderr).toContain(
    "waiting, 300 s at most: E: Could not get lock /var/lib/apt/lists/lock.",
  );
  expect(stderr).toContain("(unattended-upgr)\npackages: apt-get install failed");
  expect(waited()).toBe(300);
});

test("that can't be had are an error at once", () => {
  host.write("/tmp/broken", "");
  const { code, stderr } = install();
  expect([code, waited()]).toEqual([1, 0]);
  expect(stderr).toContain("Unable to locate package nmon\npackages: apt-get update failed");
});

test("that are there are not asked for", () => {
  host.program("dpkg-query", ["printf installed"]);
  expect(install()).toEqual({ code: 0, stdout: "", stderr: "packages: all there\n" });
  expect(host.read("/tmp/asked")).toBeUndefined();
});

describe("a version", () => {
  beforeEach(() => {
    host.program("dpkg-query", ['echo "installed 1:2.2.7-1"']);
    host.program("apt-get", ['echo "$*" >>"$FOLDER/tmp/asked"']);
  });

  test("that is there already is not installed; any version is enough where none is asked for", () => {
    expect(host.script("packages.sh", ["keepalived=1:2.2.7-1 curl"])).toMatchObject({
      code: 0,
      stderr: "packages: all there\n",
    });
    expect(host.read("/tmp/asked")).toBeUndefined();
  });

  test("that isn't there is installed, though it is older, or the one that is there is held", () => {
    expect(host.script("packages.sh", ["keepalived=1:2.2.6-1 curl"]).code).toBe(0);
    expect(host.read("/tmp/asked")).toMatch(
      /--allow-downgrades --allow-change-held-packages .* keepalived=1:2.2.6-1\n$/,
    );
  });

  test("needs the package source's lists, which can be read alone", () => {
    expect(host.script("packages.sh", ["--lists"]).code).toBe(0);
    expect(host.read("/tmp/asked")).toMatch(/ update\n$/);
  });
});
