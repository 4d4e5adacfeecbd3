// keepalived's package at a version, with stand-ins for apt, dpkg and the other scripts that each
// test controls.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PretendHost, type Result } from "./host";

const owner = "lvs1/10.10.0.11";
const active = "/systemd/active/keepalived.service";
const [old, wanted, other] = ["1:2.2.7-1", "1:2.2.8-1", "1:2.3.3-1"];

let host: PretendHost;

/** Replaces one of the stack's scripts. */
function beside(name: string, lines: string[]): void {
  const file = join(host.scripts, name);
  writeFileSync(file, ["#!/bin/sh", ...lines, ""].join("\n"));
  chmodSync(file, 0o755);
}

/** packages.sh as told by the test. Debian's package starts keepalived. */
const installs = [
  '[ "$1" != --lists ] || exit 0',
  'echo "$1" >>"$FOLDER/tmp/installed"',
  'echo "${1#keepalived=}" >"$FOLDER/tmp/version"',
  "systemctl start keepalived",
];

beforeEach(() => {
  host = new PretendHost();
  host.write("/etc/keepalived/keepalived.conf", "");
  host.write("/tmp/version", old);
  host.write(active, "active\n");
  host.program("dpkg-query", ['cat "$FOLDER/tmp/version"']);
  host.program("dpkg-deb", ['mkdir -p "$3/usr/sbin"']);
  host.program("apt-get", [
    'case $3 in keepalived=9*) echo "E: Version 9 for keepalived was not found" >&2; exit 100 ;; esac',
    "touch keepalived_new.deb",
  ]);
  host.program("apt-cache", [`echo "keepalived | ${old} | bookworm/main"`]);
  host.program("apt-mark", [
    "case $* in",
    'showhold*) cat "$FOLDER/tmp/held" 2>/dev/null ;;',
    '*unhold*) rm "$FOLDER/tmp/held" ;;',
    '*hold*) echo keepalived >"$FOLDER/tmp/held" ;;',
    "esac",
    "exit 0",
  ]);
  beside("packages.sh", installs);
  beside("keepalived.sh", [
    'echo "$1 $PATH" >>"$FOLDER/tmp/asked"',
    'if [ "$1" = "$(cat "$FOLDER/tmp/killed-in" 2>/dev/null)" ]; then kill -KILL $PPID; exit 1; fi',
    'case $1 in try) [ ! -e "$FOLDER/tmp/refuses" ] ;; renew) [ "$(cat "$FOLDER/tmp/version")" != "$(cat "$FOLDER/tmp/fails" 2>/dev/null)" ] ;; esac',
  ]);
});

afterEach(() => {
  host.remove();
});

const apply = (version = wanted): Result => host.script("version.sh", ["apply", owner, version]);
const version = () => host.read("/tmp/version")?.trim();
const installed = () => host.read("/tmp/installed");

test("the version is installed once the new keepalived has read the live config, proven, and held", () => {
  expect(apply()).toMatchObject({ code: 0, stderr: `version: keepalived ${wanted}, held\n` });
  expect([version(), host.read("/tmp/held")]).toEqual([wanted, "keepalived\n"]);
  expect(host.read("/tmp/asked")).toMatch(/^try [^:]*\/new\/usr\/sbin:.*\nrenew (?!.*\/new\/)/);
});

test("one that is there already is held, and nothing is installed", () => {
  expect(apply(old).code).toBe(0);
  expect([installed(), host.read("/tmp/asked")]).toEqual([undefined, undefined]);
  expect(host.read("/tmp/held")).toBe("keepalived\n");
});

test("one that refuses the live config is not installed", () => {
  host.write("/tmp/refuses", "");
  const { code, stderr } = apply();
  expect([code, installed()]).toEqual([1, undefined]);
  expect(stderr).toContain(`keepalived ${wanted} refuses the live config; nothing changed, ${old}`);
});

test("one that is not to be had is told, with those that are", () => {
  const { code, stderr } = apply("9");
  expect([code, installed()]).toEqual([1, undefined]);
  expect(stderr).toContain("was not found; it could have: 1:2.2.7-1\n");
});

test("one that doesn't serve is taken back", () => {
  host.write("/tmp/fails", wanted);
  const { code, stderr } = apply();
  expect([code, version()]).toEqual([1, old]);
  expect(stderr).toContain(`change not taken; keepalived ${old} serves`);
  expect(host.read("/tmp/held")).toBeUndefined();
});

test("a keepalived that was stopped, for maintenance, stays stopped", () => {
  host.shell("systemctl stop keepalived");
  expect(apply().code).toBe(0);
  expect([version(), host.read(active)]).toEqual([wanted, undefined]);
});

describe("a run that was killed before the proof", () => {
  beforeEach(() => {
    host.write("/tmp/killed-in", "renew");
    expect(apply().code).not.toBe(0);
    expect([version(), host.read("/tmp/held")]).toEqual([wanted, undefined]);
    host.shell('rm "$FOLDER/tmp/killed-in" "$FOLDER/tmp/asked"');
  });

  test("is taken up: the version is proven, and held", () => {
    expect(apply()).toMatchObject({
      code: 0,
      stderr: `version: goes on with a change that was cut off\nversion: keepalived ${wanted}, held\n`,
    });
    expect(host.read("/tmp/asked")).toMatch(/^renew /);
    host.shell('rm "$FOLDER/tmp/asked"');
    expect(apply().code).toBe(0);
    expect(host.read("/tmp/asked")).toBeUndefined();
  });

  test("is taken back where the version doesn't serve", () => {
    host.write("/tmp/fails", wanted);
    const { code, stderr } = apply();
    expect([code, version()]).toEqual([1, old]);
    expect(stderr).toContain(`change not taken; keepalived ${old} serves`);
  });

  test("leaves a keepalived that dpkg had stopped to be started again", () => {
    host.shell("systemctl stop keepalived");
    host.write("/tmp/version", old);
    expect(apply().code).toBe(0);
    expect([version(), host.read(active)]).toEqual([wanted, "active\n"]);
  });

  test("is no way back for a change to another version: that leads to what was there before both", () => {
    host.write("/tmp/fails", other);
    expect(apply(other).code).toBe(1);
    expect(version()).toBe(old);
  });

  test("is taken back by rollback", () => {
    expect(host.script("version.sh", ["rollback"]).code).toBe(0);
    expect(version()).toBe(old);
  });
});

test("an installation that fails and changes nothing leaves nothing to take up: one that is stopped later stays so", () => {
  beside("packages.sh", ['[ "$1" = --lists ]']);
  expect(apply().code).toBe(1);
  host.shell("systemctl stop keepalived");
  beside("packages.sh", installs);
  expect(apply().code).toBe(0);
  expect([version(), host.read(active)]).toEqual([wanted, undefined]);
});

test("undo lets the package go, unless somebody else held it", () => {
  apply();
  expect(host.script("version.sh", ["undo", owner]).code).toBe(0);
  expect([version(), host.read("/tmp/held")]).toEqual([wanted, undefined]);
  host.write("/tmp/held", "keepalived\n");
  apply();
  host.script("version.sh", ["undo", owner]);
  expect(host.read("/tmp/held")).toBe("keepalived\n");
});
