// Drift: the findings of a host's scripts and of its IPVS table, as recorded on the lab and with
// manual changes.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import pc from "picocolors";
import { parse } from "shell-quote";
import { script, scriptTexts } from "../../components/host/scripts";
import type { SyncDaemonModel } from "../../components/model";
import { CouldNotLook } from "../../ops/exit";
import type { Stack, StackHost, Step } from "../../ops/stack";
import { stackOf } from "../../ops/stack";
import { expectations } from "../../ops/verify/expect";
import { picture } from "../../ops/verify/picture";
import { type Finding, parseFindings, verifying } from "../../ops/verify/scripts";
import { verified, type VerifiedHost } from "../../ops/verify/verify";
import { exportedState } from "../support/exportedState";
import { smallStack } from "../support/stacks";
import {
  answered,
  edit,
  finds,
  sampleAnswers,
  sampleReport,
  sampleStack,
  type Sections,
  sectionsOf,
  stackWith,
} from "./sampleHosts";

function hostOf(stack: Stack, name: string): StackHost {
  const host = stack.hosts.find((entry) => entry.name === name);
  if (host === undefined) throw new Error(`no ${name} in the stack`);
  return host;
}

/** verify's findings on a host of the sample after a manual change. */
function found(
  name: string,
  change: (sections: Sections) => void = () => undefined,
  host = hostOf(sampleStack(), name),
): VerifiedHost {
  const expected = expectations(host);
  const answers = sampleAnswers((hosts) => {
    change(sectionsOf(hosts, name));
    const questions = [
      ...expected.flatMap((expectation) => expectation.questions),
      ...host.steps.map((step) => `verify=${step.name} ${step.script}`),
    ];
    hosts.set(name, answered(sectionsOf(hosts, name), questions));
  });
  return verified(host, expected, answers.get(name));
}

/** A host with a changed step of this script. */
function withStep(name: string, script: string, change: (step: Step) => Partial<Step>): StackHost {
  const host = hostOf(sampleStack(), name);
  const steps = host.steps.map((step) =>
    step.script === script ? { ...step, ...change(step) } : step,
  );
  return { ...host, steps };
}

/** The title, resource and diff of each drift. */
function drifts(...args: Parameters<typeof found>): [string, string, string[]][] {
  return (found(...args).drifts ?? []).map(({ title, resource, diff }) => [title, resource, diff]);
}

const live = /( +-> )?-a -t 192\.0\.2\.100:80 -r 192\.0\.2\.22:80 .*\n/;

test.each(["lvs1", "lvs2", "web1", "web2", "web3"])(
  "nothing has drifted on %s as pulumi up left it, and much was compared",
  (name) => {
    const { drifts: all, unknown, notes, checked } = found(name);
    expect([all, unknown, notes]).toEqual([[], [], []]);
    expect(checked).toBeGreaterThan(20);
  },
);

test("what a script finds to differ is shown as a diff from what the stack says, with the resource that mends it", () => {
  const path = "/etc/keepalived/keepalived.conf";
  const conf = (priority: number) => `a\nb\npriority ${priority}\nc\nd\n`;
  expect(
    drifts("lvs1", (sections) => {
      finds(sections, "pair-lvs1-keepalived", path, ["differs", conf(150), conf(99)]);
      finds(sections, "pair-lvs1-system", "/etc/sysctl.d/90-lvs-ha.conf", ["missing"]);
    }),
  ).toEqual([
    ["/etc/sysctl.d/90-lvs-ha.conf", "pair-lvs1-system", ["it is not there"]],
    [path, "pair-lvs1-keepalived", [" b", "-priority 150", "+priority 99", " c"]],
  ]);
});

test("texts that differ in bytes alone are drift, too", () => {
  expect(
    drifts("lvs1", (sections) => {
      finds(sections, "pair-lvs1-system", "sysctls", ["differs", "same\n", "same\n"]);
    }).map(([title, , diff]) => [title, ...diff]),
  ).toEqual([["sysctls", "it differs in bytes that are no text"]]);
});

test("what a script notes is told, and no drift", () => {
  const { drifts: none, notes } = found("lvs1", (sections) => {
    finds(sections, "pair-lvs1-system", "kernel modules", ["note", "the next reboot\n"]);
  });
  expect([none, notes]).toEqual([[], ["the next reboot"]]);
});

test("what could not be compared is neither drift nor as the stack says", () => {
  const of = (change: (sections: Sections) => void) => {
    const { drifts: all, unknown } = found("lvs1", change);
    expect(all).toEqual([]);
    return unknown;
  };
  const resource = "pair-lvs1-system";
  expect(
    of((sections) => {
      finds(sections, resource, "ufw", ["unknown", "ufw says: locked\n"]);
    }),
  ).toEqual([{ resource, title: "ufw", why: "ufw says: locked" }]);
  // The output of a script that ended early is not trusted.
  for (const [text, why] of [
    ["differs 1 1 ufw\na\nb\nfirewall: no room\n", "firewall: no room"],
    ["", "it ended with 2, without a word"],
  ] as const) {
    expect(
      of((sections) => sections.set(`verify ${resource} firewall.sh`, { status: 2, text })),
    ).toEqual([{ resource, title: "firewall.sh", why }]);
  }
  const host = hostOf(sampleStack(), "lvs1");
  const { unknown } = verified(host, expectations(host), {
    report: new Map(
      [...sampleReport("lvs1")].filter(([name]) => name !== `verify ${resource} firewall.sh`),
    ),
  });
  expect(unknown).toEqual([{ resource, title: "firewall.sh", why: "it was not asked" }]);
});

test("what differs in a secret step's texts is told without being shown, but for a mode", () => {
  const host = withStep("lvs1", "keepalived.sh", () => ({ secret: true }));
  const path = "/etc/keepalived/keepalived.conf";
  const of = (change: (sections: Sections) => void) => {
    const result = found("lvs1", change, host);
    expect(JSON.stringify(result)).not.toMatch(/cAnArY/);
    return result.drifts?.map(({ title, diff }) => [title, ...diff]);
  };
  const step = "pair-lvs1-keepalived";
  const secret = "it differs (secret, not shown)";
  expect(
    of((sections) => {
      finds(sections, step, path, ["differs", "cAnArY1\n", "cAnArY2\n"]);
      finds(sections, step, `mode of ${path}`, ["differs", "0640\n", "0644\n"]);
    }),
  ).toEqual([
    [path, secret],
    [`mode of ${path}`, "-0640", "+0644"],
  ]);
  expect(
    of((sections) => {
      finds(sections, step, path, ["secret"]);
    }),
  ).toEqual([[path, secret]]);
});

/** A finding as files.sh prints it. */
function printed(finding: Finding): string {
  const { verdict, title } = finding;
  const [first, second] =
    verdict === "differs"
      ? [finding.wanted, finding.found]
      : verdict === "unknown"
        ? [`${finding.why}\n`, ""]
        : verdict === "note"
          ? [`${finding.text}\n`, ""]
          : ["", ""];
  const lengths = `${Buffer.byteLength(first)} ${Buffer.byteLength(second)}`;
  return `${verdict} ${lengths} ${title}\n${first}\n${second}\n`;
}
const end = "end 0 0 verify\n\n\n";

test("records are taken apart whatever is in their texts, and are none where they are cut off", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("\n", end, "same 0 0 x\n\n\n"),
  );
  const words = fc.stringMatching(/^[a-z/. ]*[a-z]$/);
  const record = fc.oneof(
    fc.record({ verdict: fc.constantFrom("same", "missing", "secret"), title: words }),
    fc.record({ verdict: fc.constant("differs"), title: words, wanted: text, found: text }),
    fc.record({ verdict: fc.constant("unknown"), title: words, why: words }),
    fc.record({ verdict: fc.constant("note"), title: words, text: words }),
  ) as fc.Arbitrary<Finding>;
  fc.assert(
    fc.property(fc.array(record, { maxLength: 4 }), fc.nat(), (all, at) => {
      const whole = all.map(printed).join("") + end;
      expect(parseFindings(whole)).toEqual(all);
      const cut = Buffer.from(whole).subarray(0, at % Buffer.byteLength(whole));
      expect(() => parseFindings(cut.toString())).toThrow();
    }),
  );
});

test("a script that has run others tells what each of them has found", () => {
  const one: Finding = { verdict: "same", title: "one" };
  const other: Finding = { verdict: "missing", title: "other" };
  expect(parseFindings(printed(one) + end + printed(other) + end)).toEqual([one, other]);
  expect(() => parseFindings(printed(one) + end + printed(other))).toThrow("it is cut off");
});

test.each([
  ["a verdict that isn't known", `fine 0 0 x\n\n\n${end}`],
  ["a line of somebody else's", `Welcome!\n${end}`],
  ["a text that is longer than is said", `differs 1 1 x\nab\nb\n${end}`],
  ["no line's end after a text", `differs 1 1 x\na.b.${end}`],
  ["a text where there is none", `same 1 0 x\na\n\n${end}`],
  ["a second text where there is one", `note 1 1 x\na\nb\n${end}`],
  ["no title", `same 0 0 \n\n\n${end}`],
  ["words after its end", `${end}same 0 0 x\n\n\n`],
  ["nothing at all", ""],
])("an answer with %s is none", (_what, text) => {
  expect(() => parseFindings(text)).toThrow();
});

test("sync daemons that don't run, or not as the config says, are drift", () => {
  const of = (syncDaemon: SyncDaemonModel | undefined, daemons: string) => {
    const sample = hostOf(sampleStack(), "lvs1");
    const host = { ...sample, director: { ...sample.director, syncDaemon } };
    const answers = sampleAnswers((hosts) => {
      sectionsOf(hosts, "lvs1").set("ipvs-daemons", { status: 0, text: daemons });
    });
    const all = verified(host, expectations(host), answers.get("lvs1"));
    return all.drifts?.find(({ title }) => title === "connection sync daemons")?.diff;
  };
  const daemon = (state: string, id = 51, port = 8848) =>
    `${state} sync daemon (mcast=eth0, syncid=${id}, maxlen=1472, group=224.0.0.81, port=${port}, ttl=1)\n`;
  const way = (id = 51, port = 8848) => `eth0 with id ${id}, group 224.0.0.81, port ${port}, TTL 1`;
  const both = { interface: "eth0", syncId: 51, group: "224.0.0.81", port: 8848, ttl: 1 };
  expect(of(both, daemon("master") + daemon("backup"))).toBeUndefined();
  const untold = (state: string) => `${state} sync daemon (mcast=eth0, syncid=51)\n`;
  expect(of(both, untold("master") + untold("backup"))).toBeUndefined();
  expect(of(both, daemon("master"))).toEqual([`-backup on ${way()}`, ` master on ${way()}`]);
  expect(of(both, daemon("master", 7) + daemon("backup"))).toEqual([
    ` backup on ${way()}`,
    `-master on ${way()}`,
    `+master on ${way(7)}`,
  ]);
  expect(of(both, daemon("master") + daemon("backup", 51, 9999))).toEqual([
    `-backup on ${way()}`,
    `+backup on ${way(51, 9999)}`,
    ` master on ${way()}`,
  ]);
  expect(of(undefined, daemon("backup"))).toEqual([`+backup on ${way()}`]);
});

test("an IPVS that can't be asked is neither empty nor as the stack says", () => {
  const host = hostOf(sampleStack(), "lvs1");
  const of = (...questions: string[]) => {
    const { drifts: all, unknown } = found(
      "lvs1",
      (sections) => {
        for (const question of questions) sections.set(question, { status: 127, text: "" });
      },
      host,
    );
    expect(all).toEqual([]);
    return unknown?.map(({ title, why }) => [title, why]);
  };
  const no = (question: string) => `the host has no answer to "${question}"`;
  expect(of()).toEqual([]);
  expect(of("ipvs-daemons")).toEqual([["connection sync daemons", no("ipvs-daemons")]]);
  expect(of("ipvs-thresholds")).toEqual([["IPVS table", no("ipvs-thresholds")]]);
  expect(of("ipvs-rules")).toEqual([["IPVS table", no("ipvs-rules")]]);
});

test("a weight that somebody set with ipvsadm is drift, as is a real server that somebody took out", () => {
  expect(
    drifts("lvs1", (sections) => {
      edit(sections, "ipvs-rules", "192.0.2.21:80 -g -w 1", "192.0.2.21:80 -g -w 7");
      edit(sections, "ipvs-rules", live, "");
    }),
  ).toEqual([
    [
      "IPVS table",
      "pair-lvs1-keepalived",
      [
        " TCP 192.0.2.100:80 wrr",
        "-  -> 192.0.2.21:80 DR weight 1",
        "-  -> 192.0.2.22:80 DR weight 1",
        "+  -> 192.0.2.21:80 DR weight 7",
        "   -> 192.0.2.23:80 DR weight 1",
      ],
    ],
  ]);
});

test("one that keepalived took out itself is none: its check fails", () => {
  const { drifts: none, notes } = found("lvs1", (sections) => {
    edit(sections, "ipvs-rules", live, "");
    edit(
      sections,
      "pool-log",
      /^/,
      "1795414400.5 lvs1 Keepalived_healthcheckers[9]: Removing service [192.0.2.22]:tcp:80 from VS [192.0.2.100]:tcp:80\n",
    );
  });
  expect(none).toEqual([]);
  expect(notes).toEqual(["web2 is out of the pool of web: its check fails"]);
});

test("one that is out until its check has succeeded once is none either, though no log says so", () => {
  const of = (stack: Stack) => {
    const all = found(
      "lvs1",
      (sections) => {
        edit(sections, "ipvs-rules", live, "");
      },
      hostOf(stack, "lvs1"),
    );
    return [all.drifts?.map(({ title }) => title), all.notes];
  };
  const startingOut = stackWith(({ pools }) => {
    for (const member of pools.flat()) member.startsOut = true;
  });
  expect(of(startingOut)).toEqual([[], ["web2 is out of the pool of web: its check fails"]]);
  expect(of(sampleStack())).toEqual([["IPVS table"], []]);
});

test("one that is drained for a change is told, and is no drift", () => {
  const { drifts: none, notes } = found("lvs1", (sections) => {
    edit(sections, "ipvs-rules", "192.0.2.22:80 -g -w 1", "192.0.2.22:80 -g -w 0");
    sections.set("file /run/lvs-ha-drained", {
      status: 0,
      text: "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1\n",
    });
  });
  expect(none).toEqual([]);
  expect(notes).toEqual([
    "TCP 192.0.2.100:80 -> 192.0.2.22:80 is drained: by lvs drain; lvs undrain puts it in again",
  ]);
});

test("one that a change has drained, and that is not back yet, is no drift: the director brings it back", () => {
  const { drifts: none, notes } = found("lvs1", (sections) => {
    edit(sections, "ipvs-rules", "192.0.2.22:80 -g -w 1", "192.0.2.22:80 -g -w 0");
    sections.set("file /run/lvs-ha-drained", {
      status: 0,
      text: "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1\n",
    });
    sections.set("file /run/lvs-ha-drained-by-change", { status: 0, text: "192.0.2.22\n" });
  });
  expect(none).toEqual([]);
  expect(notes).toEqual([
    "TCP 192.0.2.100:80 -> 192.0.2.22:80 is drained: by a change, at whose end this director puts it in again once its checks succeed",
  ]);
});

test("a note of a drain that keepalived has ended since says nothing", () => {
  const { notes } = found("lvs1", (sections) => {
    sections.set("file /run/lvs-ha-drained", {
      status: 0,
      text: "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1\n",
    });
  });
  expect(notes).toEqual([]);
});

test("a service of somebody else's is told, and left alone", () => {
  const { drifts: none, notes } = found("lvs1", (sections) => {
    edit(sections, "ipvs-rules", /^/, "-A -u 192.0.2.200:53 -s rr\n");
  });
  expect(none).toEqual([]);
  expect(notes).toEqual(["UDP 192.0.2.200:53 is in the kernel and not of the stack"]);
});

test("a weight that somebody set is drift of one that keepalived has brought in again, too", () => {
  const log = (verb: string, to: string) =>
    `1795414400.5 lvs1 Keepalived_healthcheckers[9]: ${verb} service [192.0.2.21]:tcp:80 ${to} VS [192.0.2.100]:tcp:80\n`;
  const of = (line: string, weight: number) =>
    drifts("lvs1", (sections) => {
      edit(sections, "ipvs-rules", "192.0.2.21:80 -g -w 1", `192.0.2.21:80 -g -w ${weight}`);
      edit(sections, "pool-log", /^/, line);
    }).map(([title]) => title);
  expect(of(log("Adding", "to"), 7)).toEqual(["IPVS table"]);
  expect(of(log("Enabling", "of"), 0)).toEqual(["IPVS table"]);
  // The check keeps it at weight 0.
  expect(of(log("Disabling", "of"), 0)).toEqual([]);
});

test("a director in maintenance has no table to be compared", () => {
  const host = withStep("lvs2", "keepalived.sh", ({ args }) => ({
    args: [...args.slice(0, 2), "stopped", ...args.slice(2)],
  }));
  expect(expectations(host)).toEqual([]);
});

test("a step of a script that isn't known here is of a newer version", () => {
  const host = withStep("lvs1", "kernel.sh", () => ({ script: "newer.sh" }));
  expect(() => verifying(host)).toThrow(CouldNotLook);
  expect(() => verifying(host)).toThrow("pair-lvs1-system ran newer.sh");
});

test("every script that the components run on hosts can verify, whatever the config, and is given its words and its input", async () => {
  const hosts = await hostsWithEverything();
  expect(hosts.map(({ name }) => name)).toEqual(["lvs1", "lvs2", "web1", "web2"]);
  const called = new Set(hosts.flatMap(({ steps }) => steps.map((step) => step.script)));
  // The others are parts of these, change another step's result, or install nothing.
  const parts = [
    ...[
      "drain.sh",
      "earlier.sh",
      "files.sh",
      "firewall-guard.sh",
      "firewall-others.sh",
      "firewall-ufw.sh",
      "foreign.sh",
      "ipvs.sh",
    ],
    ...[
      "network.sh",
      "packages.sh",
      "peers.sh",
      "preflight.sh",
      "protect.sh",
      "rollback.sh",
      "system.sh",
      "transaction.sh",
      "vrrp.sh",
    ],
  ];
  const scripts = readdirSync(join(__dirname, "../../templates/scripts"));
  expect([...called].sort()).toEqual(scripts.filter((file) => !parts.includes(file)).sort());
  for (const name of called) expect(script(name)).toMatch(/^verify\(\) \{$|^verify\)$/m);
  for (const host of hosts) {
    // lvs2 is in maintenance.
    const isServing = host.name === "lvs1";
    expect(
      expectations(host)
        .map(({ title }) => title)
        .includes("IPVS table"),
    ).toBe(isServing);
    const text = verifying(host);
    for (const [file, its] of Object.entries(scriptTexts())) {
      expect(text).toContain(`<<'END_OF_${file}'\n${its}END_OF_${file}\n`);
    }
    const calls = [...text.matchAll(/^verified '(\S+) \S+' (\S+) (.*) <<'END_OF_INPUT'$/gm)];
    expect(calls.map(([, step, file]) => [step, file])).toEqual(
      host.steps.map((step) => [step.name, step.script]),
    );
  }
  const text = verifying(hostOf({ name: "test", hosts, deletionProtection: null }, "lvs2"));
  const owner = "pair-lvs2/10.10.0.12";
  const wordsOf = (step: string) => {
    const [, line = ""] =
      new RegExp(`^verified 'pair-lvs2-${step}[^']*' (.*) <<'`, "m").exec(text) ?? [];
    return parse(line);
  };
  expect(wordsOf("version")).toEqual(["version.sh", owner, "1:2.2.7-1+b2"]);
  expect(wordsOf("keepalived")).toEqual(["keepalived.sh", owner, "stopped"]);
  const systems = "pair-lvs2-system/10.10.0.12";
  expect(wordsOf("system firewall")).toEqual(["firewall.sh", systems, "nftables"]);
  expect(wordsOf("prepare").slice(0, 4)).toEqual(["install.sh", owner, "director", "debian"]);
  expect(wordsOf("prepare")[7]).toContain("nftables");
  expect(text).toContain(" stopped <<'END_OF_INPUT'\n==> /etc/keepalived/keepalived.conf <==\n");
  // The scripts that prepare installed are this version's, too, and are sent once.
  expect(text.split("\nEND_OF_vip.sh\n")).toHaveLength(2);
});

test("an input that has the line that would end it comes whole", () => {
  const host = withStep("lvs1", "kernel.sh", () => ({ stdin: "END_OF_INPUT\n" }));
  expect(verifying(host)).toContain(
    " <<'END_OF_INPUT_'\nEND_OF_INPUT\n==> end <==\nEND_OF_INPUT_\n",
  );
});

/** The hosts of a stack with every kind of step. */
async function hostsWithEverything(): Promise<StackHost[]> {
  const stack = smallStack();
  stack.ssh = { managedKey: true };
  stack.vrrp = { version: 2, advertIntervalSeconds: 1 };
  stack.firewall = { backend: "nftables" };
  stack.metrics = { enabled: true };
  stack.maintenance = ["lvs2"];
  for (const director of stack.directors) director.keepalivedVersion = "1:2.2.7-1+b2";
  return stackOf(await exportedState(stack, { vrrpAuthPass: "pass" })).hosts;
}

test("the picture names each drifted thing, its resource, and the lines", () => {
  const host = found("lvs1", (sections) => {
    finds(sections, "pair-lvs1-system", "sysctls", [
      "differs",
      "net.ipv4.ip_forward = 1\n",
      "net.ipv4.ip_forward = 0\n",
    ]);
    finds(sections, "pair-lvs1-system", "ufw", ["unknown", "it is locked\n"]);
  });
  const gone = {
    ...host,
    ...{ name: "web1", unreachable: "No route to host" },
    ...{ checked: null, drifts: null, unknown: null, notes: null },
  };
  const text = picture(
    { stack: "dev", at: "", clean: false, hosts: [host, gone] },
    pc.createColors(false),
  );
  expect(text).toContain("  ✘ sysctls (pair-lvs1-system)\n");
  expect(text).toContain("      -net.ipv4.ip_forward = 1\n      +net.ipv4.ip_forward = 0\n");
  expect(text).toContain("web1  unreachable: No route to host\n");
  expect(text).toContain("  ? ufw (pair-lvs1-system) could not be compared: it is locked\n");
  expect(text).toContain(
    "1 thing on 1 host is not as the stack says\n1 thing on 1 host could not be compared\n1 host could not be asked",
  );
});

test("nothing is known of a host that can't be asked: not that nothing was found", () => {
  const host = hostOf(sampleStack(), "lvs1");
  expect(verified(host, expectations(host), { unreachable: "No route to host" })).toEqual({
    ...{ name: "lvs1", role: "director", unreachable: "No route to host" },
    ...{ checked: null, drifts: null, unknown: null, notes: null },
  });
});
