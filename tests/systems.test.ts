// What a row of components/os says of a system is so: of its package, of the host scripts, and of what was proven.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KeepalivedFeature } from "../components/os/profile";
import { osNames, osProfiles } from "../components/os/profiles";
import { refusal, refusedSystems } from "../components/os/refused";
import { debianReleases, type DebianRelease } from "../lab/topology";
import { suites, unpack, type KeepalivedVersion } from "./support/keepalived";

const root = join(__dirname, "..");

/** The word of `keepalived --version` for what a build can leave out. */
const words: Record<KeepalivedFeature, string> = {
  bfd: "BFD",
  regex: "REGEX",
  noAccept: "NFTABLES",
};

const byVersion = (version: string) =>
  osNames.filter((os) => osProfiles[os].keepalived.version === version);

describe.each(Object.keys(suites) as KeepalivedVersion[])("keepalived %s", (version) => {
  let folder: string;
  beforeAll(async () => {
    folder = await unpack(version);
  }, 300_000);

  test("is what the rows say that have it: its version, its options' file, its service, and what it is built with", () => {
    const { stderr } = spawnSync(
      "unshare",
      [
        ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
        ...["--mount", "chroot", folder, "/usr/sbin/keepalived", "--version"],
      ],
      { encoding: "utf8" },
    );
    expect(stderr).toMatch(new RegExp(`^Keepalived v${version} `));
    const built = / options: +(NFTABLES.*|.* NFTABLES.*)$/m.exec(stderr)?.[1]?.split(" ");
    const rows = byVersion(version);
    expect(rows.length).toBeGreaterThan(0);
    for (const os of rows) {
      const { features, optionsFile, service } = osProfiles[os].keepalived;
      const has = (Object.keys(words) as KeepalivedFeature[]).filter((feature) =>
        built?.includes(words[feature]),
      );
      expect([os, has]).toEqual([os, [...features]]);
      expect(readFileSync(join(folder, optionsFile), "utf8")).toMatch(/^DAEMON_ARGS=/m);
      const units = ["lib", "usr/lib"].map((lib) => join(folder, lib, "systemd/system", service));
      expect(units.some((unit) => existsSync(unit))).toBe(true);
    }
  });
});

describe.each(osNames)("%s", (os) => {
  const { title, id, release, keepalived, proven } = osProfiles[os];

  test("claims no more than was run: a lab's hosts, or its keepalived", () => {
    const isDebian = id === "debian";
    const inLab =
      isDebian &&
      (Object.keys(debianReleases) as unknown as DebianRelease[]).some(
        (number) => `${number}` === release,
      );
    if (proven === "guests") expect(inLab).toBe(true);
    // Ubuntu builds the same sources anew.
    if (proven !== "goldens")
      expect([isDebian, keepalived.version in suites]).toEqual([true, true]);
    expect(existsSync(join(root, "tests/render/golden", os, "small/keepalived.conf"))).toBe(true);
  });

  test("has the paths and the service that the host scripts know", () => {
    const texts = readdirSync(join(root, "templates/scripts"))
      .map((file) => readFileSync(join(root, "templates/scripts", file), "utf8"))
      .join("");
    const { optionsFile, scriptsFolder, service } = keepalived;
    for (const known of [optionsFile, scriptsFolder, service]) expect(texts).toContain(known);
  });

  test("is told in the changelog", () => {
    expect(readFileSync(join(root, "CHANGELOG.md"), "utf8").includes(title)).toBe(true);
  });
});

test("no two rows are of one system, and none is of one that is refused", () => {
  const all = [
    ...osNames.map((os) => `${osProfiles[os].id} ${osProfiles[os].release}`),
    ...refusedSystems.map(({ id, version }) => `${id} ${version}`),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(osNames.filter((os) => refusal(os) !== undefined)).toEqual([]);
});

test.each<[written: string, os: string]>([
  ["ubuntu2004", "Ubuntu 20.04"],
  ["ubuntu20.04", "Ubuntu 20.04"],
  ["debian10", "Debian 10"],
  ["centos7", "CentOS 7"],
  ["rocky9", "Rocky Linux 9"],
  ["RHEL 8", "RHEL 8"],
])("a config's %s is known to be %s", (written, title) => {
  expect(refusal(written)).toMatch(new RegExp(`^is ${title}, which the stack does not support: `));
});

test.each<unknown>(["debian12", "plan9", "", 12, undefined])(
  "%p is none of the refused systems",
  (os) => {
    expect(refusal(os)).toBeUndefined();
  },
);
