// Every step that changes a host, and every way in which its change can fail: what it leaves, and
// what the next run does.
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderFiles, withEnd } from "../../components/render/files";
import { all, seed } from "../support/draws";
import { failing, failures } from "./failures";
import type { PretendHost } from "./host";
import { atMoment, watch } from "./moments";
import { apply, look, parts, run, type Change, type Part } from "./parts";

jest.setTimeout(all ? 7_200_000 : 120_000);

/** A step, on a host that has it already. */
interface Step {
  script: string;
  made: Change;
  /** This change fails halfway if $FOLDER/tmp/fails exists. */
  change: Change;
  around: (host: PretendHost) => void;
  /** The step refuses this before it changes anything. */
  refused?: Change;
}

const step = (script: string, failure: string, refused?: Change): Step => {
  const { made, fails, around } = failures[failure] ?? {};
  if (!made || !fails || !around) throw new Error(`no failure ${failure}`);
  return { script, made, change: fails, around, ...(refused && { refused }) };
};

/** Makes a program of the step's surroundings fail as well, when told to. */
const alsoFails = (host: PretendHost, program: string, when: string) => {
  copyFileSync(join(host.folder, "bin", program), join(host.folder, "stand-ins", program));
  failing(host, program, when);
};

const noFile = { input: renderFiles({ "/etc/other": ["other"] }) };
const steps: Record<string, Step> = {
  keepalived: step("keepalived.sh", "a reload that fails", noFile),
  secrets: step("secrets.sh", "secrets that keepalived doesn't take"),
  "firewall, nftables": step("firewall.sh", "a table that the kernel doesn't take", {
    ...failures["a table that the kernel doesn't take"]?.fails,
    args: ["iptables", ""],
  }),
  "firewall, ufw": step(
    "firewall.sh",
    "a rule that ufw doesn't take, after a table that the kernel took",
    { ...failures["ufw's rules, one of which it keeps"]?.fails, args: ["pf", ""] },
  ),
  "virtual addresses": {
    script: "vip.sh",
    made: { input: "192.0.2.100 lo\n2001:db8::99 lo\n" },
    change: { input: "192.0.2.101 lo\n192.0.2.99 tunl0\n2001:db8::100 ip6tnl0\n" },
    around: (host) => {
      parts["vip.sh"]?.around?.(host);
      alsoFails(host, "modprobe", "[ $1 = ip6_tunnel ]");
    },
    refused: { input: "192.0.2.101 nowhere\n" },
  },
  kernel: step("kernel.sh", "a sysctl that the kernel doesn't take", {
    input: renderFiles({ "/etc/sysctl.d/90-lvs-ha.conf": ["net.ipv4.tcp_ecn 1"] }),
  }),
  metrics: step("metrics.sh", "an exporter that shows nothing", { args: ["real-server"] }),
  version: {
    script: "version.sh",
    made: { args: ["1:2.2.7-1"] },
    change: { args: ["1:2.2.8-1"] },
    around: (host) => {
      parts["version.sh"]?.around?.(host);
      host.write("/run/version", "1:2.2.7-1\n");
      host.program("dpkg-query", ["cat /run/version"]);
      host.program("apt-get", ["! echo $3 | grep -q 1:9"]);
      writeFileSync(
        join(host.scripts, "packages.sh"),
        [
          "#!/bin/sh",
          '[ "$1" != --lists ] || exit 0',
          'echo "${1#keepalived=}" >/run/version',
          '[ "$1" != keepalived=1:2.2.8-1 ] || [ ! -e "$FOLDER/tmp/fails" ]',
        ].join("\n"),
      );
    },
    refused: { args: ["1:9"] },
  },
};

/** A separate file system, which can be full, for everything that the stack writes. */
const ownDisk = [
  "mkdir $FOLDER/disk",
  "mount -t tmpfs -o size=4m tmpfs $FOLDER/disk",
  "mkdir $FOLDER/disk/scratch",
  "cp -a $FOLDER/etc $FOLDER/var $FOLDER/disk",
  "mount --bind $FOLDER/disk/etc $FOLDER/etc",
  "mount --bind $FOLDER/disk/etc /etc",
  "mount --bind $FOLDER/disk/var $FOLDER/var",
  "mount --bind $FOLDER/disk/var /var/lib",
  "export TMPDIR=$FOLDER/disk/scratch",
];

/** Runs shell lines on a host where the step has been made. */
function on({ script, made, around }: Step, lines: (host: PretendHost) => string[]) {
  const part: Part = {
    before: {},
    changes: {},
    around: (host) => {
      around(host);
      watch(host);
    },
  };
  return run(part, [], (host) => [
    ...ownDisk,
    apply(host, script, "lvs1", made),
    look("made"),
    ...lines(host),
  ]);
}

/** A line that may fail; its exit code is printed. */
const attempt = (line: string) => `code=0; ${line} || code=$?; echo "code $code" >&2`;
const codes = (said: string) => [...said.matchAll(/^code (\d+)$/gm)].map(([, n]) => Number(n));
const change = (host: PretendHost, step: Step) => apply(host, step.script, "lvs1", step.change);
const fails = ": >$FOLDER/tmp/fails";

/** The change, with an event before program number `moment`. */
const at = (host: PretendHost, step: Step, moment: number, does: "kill" | "fill" | "lock") => [
  "rm -f $FOLDER/tmp/done",
  ": >$FOLDER/tmp/moments",
  attempt(atMoment(change(host, step), moment, does)),
  does === "lock" ? "mount -o remount,bind,rw /etc" : "rm -f /etc/full",
];

/** Without what the test's host has by chance, what a timer makes anew, who has ever brought a change, and which one nobody has confirmed. */
const shown = (look = "") =>
  look
    .replace(
      /^(etc\/lvs-ha\/ssh-clients|var\/lvs-ha\/firewall-unconfirmed|var\/prometheus.*[.]prom:).*\n/gm,
      "",
    )
    .replace(/\/tmp\/lvs-ha-host-\w+/g, "");

/** What an unfinished change may keep beside its files, and what systemd has not read yet. */
const unfinished =
  /lvs-ha-(before|new|staging)|^var\/lvs-ha\/(changes|original|owners)\/|[.]new\b|^systemd\/loaded|^systemd\/\w+\/lvs-ha-firewall-guard[.]timer|^etc\/lvs-ha\/ssh-clients/;

/**
 * Lines that are neither in the state before nor after a change, and lines of both that are
 * missing.
 */
function strange(seen: string, before: string, after: string): string[] {
  const [now, was, will] = [seen, before, after].map((look) => new Set(look.split("\n")));
  if (!now || !was || !will) return [];
  return [
    ...[...now].filter((line) => !was.has(line) && !will.has(line)).map((line) => `new: ${line}`),
    ...[...was].filter((line) => will.has(line) && !now.has(line)).map((line) => `gone: ${line}`),
  ].filter((line) => !unfinished.test(line.replace(/^\w+: /, "")));
}

/** The moments that this run tries: all, or some chosen by the seed. */
function chosen(count: number, some: number, salt: number): number[] {
  const moments = Array.from({ length: count }, (_, i) => i + 1);
  if (all) return moments;
  const step = count / some;
  return Array.from({ length: some }, (_, i) => {
    const offset = ((seed * 7919 + salt * 104_729 + i * 31) % 1000) / 1000;
    return Math.min(count, 1 + Math.floor((i + offset) * step));
  });
}

/**
 * After a boot, the files are as before and nothing was started; a rollback then finds nothing
 * lost.
 */
const boots = [
  "rm -f $FOLDER/tmp/told",
  attempt("$FOLDER/scripts/rollback.sh boot"),
  "! grep -vE '^(enable|disable|stop) ' $FOLDER/tmp/told",
  look("booted"),
];
const onDisk = (text: string) =>
  text.split("\n").filter((line) => /^(etc|systemd\/enabled|var\/lvs-ha\/(?!changes))/.test(line));

/** What the next run does about a killed change. */
const afterwards = ["goes on", "fails", "is rollback", "is undo", "is boot"] as const;

const tried: Record<string, Record<string, number>> = {};
const count = (name: string, way: string, n: number) => {
  tried[name] = { ...tried[name], [way]: (tried[name]?.[way] ?? 0) + n };
};
afterAll(() => {
  const ways = [...new Set(Object.values(tried).flatMap((row) => Object.keys(row)))];
  const rows = Object.entries(tried).map(([name, row]) => [
    name,
    ...ways.map((way) => String(row[way] ?? "")),
  ]);
  const table = [["step", ...ways], ...rows];
  const widths = ["", ...ways].map((_, i) =>
    Math.max(...table.map((row) => (row[i] ?? "").length)),
  );
  const lines = table.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "));
  process.stdout.write(`moments tried:\n${lines.join("\n")}\n`);
});

describe.each(Object.entries(steps))("%s: a change", (name, step) => {
  let made = "";
  let changed = "";
  let gone = "";
  let moments = 0;

  beforeAll(() => {
    const { looks, files, said } = on(step, (host) => [
      ...at(host, step, 99_999, "kill"),
      look("changed"),
      `$FOLDER/scripts/${step.script} undo lvs1`,
      look("gone"),
    ]);
    [made, changed, gone] = [looks.made, looks.changed, looks.gone].map(shown) as [
      string,
      string,
      string,
    ];
    moments = files.moments?.trimEnd().split("\n").length ?? 0;
    expect([codes(said), changed === made, moments > 20]).toEqual([[0], false, true]);
  });

  /** Checks what a change that isn't completed must leave. */
  function isAsBefore(way: string, lines: (host: PretendHost) => string[], tries = 1): void {
    const { looks, said } = on(step, (host) => [...lines(host), look("left")]);
    expect([way, shown(looks.left)]).toEqual([way, made]);
    expect(codes(said)).toHaveLength(tries);
    expect(codes(said)).not.toContain(0);
    count(name, way, tries);
  }

  test("that is refused changes nothing", () => {
    const { refused } = step;
    if (!refused) return;
    isAsBefore("refused", (host) => [attempt(apply(host, step.script, "lvs1", refused))]);
  });

  test("whose input is cut off at any line changes nothing", () => {
    const lines = withEnd(step.change.input ?? "")
      .trimEnd()
      .split("\n").length;
    isAsBefore(
      "cut",
      (host) => {
        const [command = "", input = ""] = change(host, step).replace(" >&2", "").split(" <");
        return Array.from({ length: lines }, (_, n) =>
          attempt(`head -n ${n} ${input} | ${command} >&2`),
        );
      },
      lines,
    );
  });

  test.each(["read", "closed"])("that doesn't serve goes back (standard error: %s)", (end) => {
    isAsBefore(end === "closed" ? "stderr closed" : "fails", (host) => [
      fails,
      attempt(`${change(host, step)} ${end === "closed" ? ">&- 2>&-" : ""}`),
    ]);
  });

  test("that is killed leaves what is as before or as after; the next run goes on, or goes back to what was there before both", () => {
    const salt = Object.keys(steps).indexOf(name);
    for (const [i, moment] of chosen(moments, afterwards.length, salt).entries()) {
      const then = afterwards[(i + salt + seed) % afterwards.length];
      const { looks, said } = on(step, (host) => [
        ...at(host, step, moment, "kill"),
        look("killed"),
        ...(then === "fails" ? [fails] : []),
        ...(then === "is boot" ? boots : []),
        attempt(
          then === "is rollback" || then === "is boot"
            ? "$FOLDER/scripts/rollback.sh"
            : then === "is undo"
              ? `$FOLDER/scripts/${step.script} undo lvs1`
              : change(host, step),
        ),
        look("left"),
      ]);
      const where = `${name}, killed at ${moment} of ${moments}, then the next run ${then ?? ""}`;
      expect([where, strange(shown(looks.killed), made, changed)]).toEqual([where, []]);
      // A completed change removes its journal last.
      const killed = shown(looks.killed);
      const isMade =
        !/^var\/lvs-ha\/changes\/\S+\/files /m.test(killed) &&
        strange(killed, changed, changed).length === 0;
      const last = isMade ? changed : made;
      const end = {
        "goes on": changed,
        fails: last,
        "is rollback": last,
        "is boot": last,
        "is undo": gone,
      };
      // Packages keep the version that they have.
      const [left, right] = [shown(looks.left), end[then ?? "fails"]].map((text) =>
        then === "is undo" ? text.replace(/^run\/version:.*\n/m, "") : text,
      );
      expect([where, left]).toEqual([where, right]);
      expect([where, codes(said)]).toEqual([
        where,
        [137, ...(then === "is boot" ? [0] : []), then === "fails" ? expect.any(Number) : 0],
      ]);
      if (then === "is boot") {
        expect([where, onDisk(shown(looks.booted))]).toEqual([where, onDisk(last)]);
      }
      count(name, "killed", 1);
    }
  });

  test("whose /etc is read-only from some moment on is made, or goes back once it can", () => {
    for (const moment of chosen(moments, 2, name.length + 1)) {
      const { looks, said } = on(step, (host) => [
        ...at(host, step, moment, "lock"),
        attempt("$FOLDER/scripts/rollback.sh"),
        look("left"),
        attempt(change(host, step)),
        look("again"),
      ]);
      const where = `${name}, read-only at ${moment} of ${moments}`;
      const [first, ...next] = codes(said);
      expect([where, shown(looks.left)]).toEqual([where, first === 0 ? changed : made]);
      expect([where, next, shown(looks.again)]).toEqual([where, [0, 0], changed]);
      count(name, "read-only", 1);
    }
  });

  test("whose disk is full from some moment on is made, or is as if it had not been", () => {
    for (const moment of chosen(moments, 2, name.length)) {
      const { looks, said } = on(step, (host) => [
        ...at(host, step, moment, "fill"),
        look("left"),
        attempt(change(host, step)),
        look("again"),
      ]);
      const where = `${name}, full at ${moment} of ${moments}`;
      const [first, second] = codes(said);
      expect([where, shown(looks.left)]).toEqual([where, first === 0 ? changed : made]);
      expect([where, second, shown(looks.again)]).toEqual([where, 0, changed]);
      count(name, "full", 1);
    }
  });
});
