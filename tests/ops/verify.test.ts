// Drift: what the stack's steps put on a host against what the host says, as it was on the lab, and with something changed by hand.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import pc from "picocolors";
import type { SyncDaemonModel } from "../../components/model";
import { bundle, script } from "../../components/host/scripts";
import type { Stack, StackHost, Step } from "../../ops/stack";
import { stackOf } from "../../ops/stack";
import { bundledScripts, expectations, kinds, ownTexts } from "../../ops/verify/expect";
import { picture } from "../../ops/verify/picture";
import { verified, type VerifiedHost } from "../../ops/verify/verify";
import { exportedState } from "../support/exportedState";
import { smallStack } from "../support/stacks";
import {
  answered,
  edit,
  sampleAnswers,
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

/** What verify finds on a host of the sample, changed by hand, that answers what it is asked. */
function found(
  name: string,
  change: (sections: Sections) => void = () => undefined,
  host = hostOf(sampleStack(), name),
): VerifiedHost {
  const expected = expectations(host);
  const answers = sampleAnswers((hosts) => {
    change(sectionsOf(hosts, name));
    const questions = expected.flatMap((expectation) => expectation.questions);
    hosts.set(name, answered(sectionsOf(hosts, name), questions));
  });
  return verified(host, expected, answers.get(name));
}

/** A host whose step by this script is another one. */
function withStep(name: string, script: string, change: (step: Step) => Partial<Step>): StackHost {
  const host = hostOf(sampleStack(), name);
  const steps = host.steps.map((step) =>
    step.script === script ? { ...step, ...change(step) } : step,
  );
  return { ...host, steps };
}

/** Title, resource and diff of each drift. */
function drifts(...args: Parameters<typeof found>): [string, string, string[]][] {
  return (found(...args).drifts ?? []).map(({ title, resource, diff }) => [title, resource, diff]);
}

const live = /( +-> )?-a -t 192\.0\.2\.100:80 -r 192\.0\.2\.22:80 .*\n/;

test.each(["lvs1", "lvs2", "web1", "web2", "web3"])(
  "nothing has drifted on %s as pulumi up left it, and much was compared",
  (name) => {
    const { drifts: all, notes, checked } = found(name);
    expect([all, notes]).toEqual([[], []]);
    expect(checked).toBeGreaterThan(20);
  },
);

test("a changed line of keepalived.conf is shown as a diff from what the stack says", () => {
  expect(
    drifts("lvs1", (sections) => {
      edit(sections, "file /etc/keepalived/keepalived.conf", "priority 150", "priority 99");
    }),
  ).toEqual([
    [
      "/etc/keepalived/keepalived.conf",
      "pair-lvs1-keepalived",
      ["     virtual_router_id 51", "-    priority 150", "+    priority 99", "     advert_int 0.3"],
    ],
  ]);
});

test("a file that is gone, and one that others may write, are told", () => {
  expect(
    drifts("web1", (sections) => {
      sections.set("file /etc/sysctl.d/90-lvs-ha.conf", { status: 1, text: "" });
      sections.set("mode /etc/sysctl.d/90-lvs-ha.conf", { status: 1, text: "" });
      edit(sections, "mode /etc/lvs-ha/virtual-addresses", "0644", "0666");
    }),
  ).toEqual([
    ["/etc/sysctl.d/90-lvs-ha.conf", "pair-web1-kernel", ["it is not there"]],
    [
      "mode of /etc/lvs-ha/virtual-addresses",
      "pair-web1-vip",
      ["-0644 root:root", "+0666 root:root"],
    ],
  ]);
});

test("sysctls, modules, packages, services and addresses are compared too", () => {
  expect(
    drifts("web3", (sections) => {
      edit(sections, "sysctls", "all.arp_announce = 2", "all.arp_announce = 0");
      edit(sections, "packages curl ufw", "curl installed\n", "");
      edit(
        sections,
        "service lvs-ha-vip.service",
        "UnitFileState=enabled",
        "UnitFileState=disabled",
      );
      edit(sections, "addresses", '"local":"192.0.2.100"', '"local":"192.0.2.101"');
      sections.set("module nf_conntrack", { status: 1, text: "" });
    }).map(([title, , diff]) => [title, diff.filter((line) => /^[-+]/.test(line))]),
  ).toEqual([
    ["installed packages", ["-curl"]],
    ["kernel modules", ["-nf_conntrack"]],
    ["sysctls", ["-net.ipv4.conf.all.arp_announce = 2", "+net.ipv4.conf.all.arp_announce = 0"]],
    ["lvs-ha-vip.service", ["-enabled, active", "+disabled, active"]],
    ["virtual addresses", ["-192.0.2.100 on lo"]],
  ]);
});

test("a sysctl that the kernel needn't know is no drift where it doesn't, and is compared where it does", () => {
  const host = hostOf(sampleStack(), "lvs1");
  const optional = host.steps.map((step) =>
    step.script === "kernel.sh"
      ? { ...step, stdin: `${step.stdin.trimEnd()}\n-net.ipv4.vs.new = -8\n` }
      : step,
  );
  const drift = (value: string) => {
    const answers = sampleAnswers((hosts) => {
      edit(sectionsOf(hosts, "lvs1"), "sysctls", /$/, `net.ipv4.vs.new = ${value}\n`);
    });
    const all = verified(host, expectations({ ...host, steps: optional }), answers.get("lvs1"));
    return (all.drifts ?? [])
      .find(({ title }) => title === "sysctls")
      ?.diff.filter((line) => /^[-+]/.test(line));
  };
  expect(drift("")).toBeUndefined();
  expect(drift("-8")).toBeUndefined();
  expect(drift("-4")).toEqual(["-net.ipv4.vs.new = -8", "+net.ipv4.vs.new = -4"]);
});

test.each([
  [0, "/etc/sysctl.d/99-own.conf:3: net.ipv4.ip_forward = 0, in place of 1"],
  [1, "not to be told: kernel.sh ended with 1"],
])(
  "a sysctl that the next boot sets otherwise is a drift, and so is no answer (%d)",
  (status, line) => {
    const text = status === 0 ? `${line}\n` : "";
    const seen = drifts("lvs1", (sections) => sections.set("sysctls-at-boot", { status, text }));
    expect(seen).toEqual([
      [
        "sysctls that the next boot sets otherwise",
        "pair-lvs1-kernel",
        expect.arrayContaining([`+${line}`]),
      ],
    ]);
  },
);

/** What ip(8) shows of tunl0, with web1's virtual address on it. */
const tunnel = (...flags: string[]) =>
  `[{"ifname":"tunl0","flags":${JSON.stringify(flags)},"addr_info":[{"local":"192.0.2.100"}]},`;

test("a tunnel whose link is down takes nothing in: that is drift, as is an address of ours too many", () => {
  const host = hostOf(sampleStack(), "web1");
  const loopback = [{ address: "192.0.2.100", interface: "tunl0" }];
  const of = (brought: string, ...flags: string[]) => {
    const answers = sampleAnswers((hosts) => {
      const sections = sectionsOf(hosts, "web1");
      edit(sections, "addresses", /^\[/, tunnel(...flags));
      sections.set("file /var/lib/lvs-ha/virtual-addresses-brought", { status: 0, text: brought });
    });
    const all = verified(host, expectations({ ...host, loopback }), answers.get("web1"));
    return all.drifts?.find(({ title }) => title === "virtual addresses")?.diff;
  };
  // lo has the address in the sample, too: somebody else may have put it there.
  expect(of("192.0.2.100 tunl0\n", "NOARP", "UP", "LOWER_UP")).toBeUndefined();
  expect(of("192.0.2.100 tunl0\n", "NOARP")).toEqual([
    "-192.0.2.100 on tunl0",
    "+192.0.2.100 on tunl0, whose link is down",
  ]);
  expect(of("192.0.2.100\n192.0.2.100 tunl0\n", "UP")).toEqual([
    " 192.0.2.100 on tunl0",
    "+192.0.2.100 on lo",
  ]);
});

test("a file too many beside the stack's scripts is drift: keepalived runs what is there as root", () => {
  expect(
    drifts("lvs1", (sections) => {
      sections.set("folder /etc/keepalived/lvs-ha-scripts", { status: 0, text: "old.sh\n" });
    }),
  ).toEqual([
    ["other files in /etc/keepalived/lvs-ha-scripts", "pair-lvs1-keepalived", ["+old.sh"]],
  ]);
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
  const daemon = (state: string, id = 51) =>
    `${state} sync daemon (mcast=eth0, syncid=${id}, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n`;
  const both = { interface: "eth0", syncId: 51 };
  expect(of(both, daemon("master") + daemon("backup"))).toBeUndefined();
  expect(of(both, daemon("master"))).toEqual(["-backup on eth0, id 51", " master on eth0, id 51"]);
  expect(of(both, daemon("master", 7) + daemon("backup"))).toEqual([
    " backup on eth0, id 51",
    "-master on eth0, id 51",
    "+master on eth0, id 7",
  ]);
  expect(of(undefined, daemon("backup"))).toEqual(["+backup on eth0, id 51"]);
});

test("a table of another size than the config says is told: it comes with the next reboot", () => {
  const { drifts: none, notes } = found("lvs1", (sections) => {
    sections.set("file /sys/module/ip_vs/parameters/conn_tab_bits", { status: 0, text: "12\n" });
  });
  expect(none).toEqual([]);
  expect(notes).toEqual([
    expect.stringMatching(
      /^ip_vs was loaded with conn_tab_bits=12: \d+ comes with the next reboot$/,
    ),
  ]);
});

test("a firewall rule that the stack needs and the operator has is as good as the stack's", () => {
  const rule = "ufw allow to 192.0.2.100 port 80 proto tcp";
  for (const own of [rule, `${rule} comment 'mine'`, rule.replace("to", "log to")]) {
    expect(
      drifts("lvs1", (sections) => {
        edit(sections, "ufw", /ufw allow to 192\.0\.2\.100 .*\n/, `${own}\n`);
      }),
    ).toEqual([]);
  }
});

test("a firewall rule that was added or taken away is told, the operator's own are not", () => {
  expect(
    drifts("lvs1", (sections) => {
      edit(sections, "ufw", /ufw allow to 192\.0\.2\.100 .*\n/, "ufw allow from 192.0.2.7\n");
      edit(sections, "nft-live", /tcp dport 80 notrack/, "tcp dport 81 notrack");
    }).map(([title, , diff]) => [title, diff.filter((line) => /^[-+]/.test(line))]),
  ).toEqual([
    ["ufw", ["-allow to 192.0.2.100 port 80 proto tcp"]],
    [
      "nftables table lvs_ha",
      [
        "-\t\tip daddr 192.0.2.100 tcp dport 80 notrack",
        "+\t\tip daddr 192.0.2.100 tcp dport 81 notrack",
      ],
    ],
  ]);
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

test("one that a change has drained and not put in again is drift of the command that would", () => {
  const host = hostOf(sampleStack(), "lvs1");
  const [step] = host.steps;
  if (step === undefined) throw new Error("no step");
  const restores = ["192.0.2.21", "192.0.2.22"].map((address, i) => ({
    ...step,
    name: `pair-web${i + 1}-restore-lvs1`,
    script: "drain.sh",
    args: ["restore", address],
  }));
  const of = (change: (sections: Sections) => void) => {
    const answers = sampleAnswers((hosts) => {
      change(sectionsOf(hosts, "lvs1"));
    });
    const { drifts: all, notes } = verified(
      host,
      expectations({ ...host, restores }),
      answers.get("lvs1"),
    );
    return { found: all?.map(({ resource, title, diff }) => [resource, title, diff]), notes };
  };
  const drained = (sections: Sections) => {
    edit(sections, "ipvs-rules", "192.0.2.22:80 -g -w 1", "192.0.2.22:80 -g -w 0");
    sections.set("file /run/lvs-ha-drained", {
      status: 0,
      text: "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1\n",
    });
  };
  const byChange = (sections: Sections) => {
    sections.set("file /run/lvs-ha-drained-by-change", { status: 0, text: "192.0.2.22\n" });
  };
  expect(
    of((sections) => {
      drained(sections);
      byChange(sections);
    }),
  ).toEqual({
    found: [
      [
        "pair-web2-restore-lvs1",
        "new connections to 192.0.2.22",
        ["+TCP 192.0.2.100:80 -> 192.0.2.22:80 is still drained by a change"],
      ],
    ],
    notes: [],
  });
  expect(of(drained).found).toEqual([]);
  // keepalived has brought it in since.
  expect(of(byChange)).toEqual({ found: [], notes: [] });
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

test("a secret that differs is told without being shown", () => {
  const host = hostOf(sampleStack(), "lvs1");
  const [step] = host.steps;
  if (step === undefined) throw new Error("no step");
  const secrets = {
    ...step,
    name: "pair-lvs1-secrets",
    script: "secrets.sh",
    args: ["apply", "pair-lvs1/10.10.0.11"],
    stdin: "auth_pass cAnArY42\n",
    secret: true,
  };
  const report = new Map([
    ["file /etc/keepalived/lvs-ha-secrets.conf", { status: 0, text: "auth_pass other\n" }],
    ["mode /etc/keepalived/lvs-ha-secrets.conf", { status: 0, text: "0600 root:root\n" }],
    ["file /var/lib/lvs-ha/owners/secrets.sh", { status: 0, text: "pair-lvs1/10.10.0.11\n" }],
  ]);
  const result = verified(host, expectations({ ...host, steps: [secrets] }), { report });
  expect(result.drifts?.map(({ diff }) => diff)).toEqual([["it differs (secret, not shown)"]]);
  expect(JSON.stringify(result)).not.toMatch(/cAnArY|other/);
});

test("the mode of every file is compared: of keepalived.conf, of the scripts beside it, and of others", () => {
  const script = "/etc/keepalived/lvs-ha-scripts/check.sh";
  const host = withStep("lvs1", "keepalived.sh", ({ stdin }) => ({
    stdin: `==> /etc/keepalived/keepalived.conf <==\n${stdin}==> ${script} <==\n#!/bin/sh\n`,
  }));
  const of = (mode: string, conf = "0640 root:root") =>
    found(
      "lvs1",
      (sections) => {
        sections.set(`file ${script}`, { status: 0, text: "#!/bin/sh\n" });
        sections.set(`mode ${script}`, { status: 0, text: `${mode} root:root\n` });
        sections.set("mode /etc/keepalived/keepalived.conf", { status: 0, text: `${conf}\n` });
        sections.set("folder /etc/keepalived/lvs-ha-scripts", { status: 0, text: "check.sh\n" });
      },
      host,
    ).drifts?.map(({ title, diff }) => [title, ...diff]);
  expect(of("0755")).toEqual([]);
  expect(of("0640")).toEqual([[`mode of ${script}`, "-0755 root:root", "+0640 root:root"]]);
  expect(of("0755", "0644 root:root")).toEqual([
    ["mode of /etc/keepalived/keepalived.conf", "-0640 root:root", "+0644 root:root"],
  ]);
  expect(of("0755", "0640 root:ops")).toEqual([
    ["mode of /etc/keepalived/keepalived.conf", "-0640 root:root", "+0640 root:ops"],
  ]);
});

test("the deploy key is compared, and nobody else's", () => {
  const [, key = ""] = hostOf(sampleStack(), "lvs1").steps[0]?.args ?? [];
  const other = key.replace(/ AAAA\S+/, " AAAAother");
  const of = (change: (text: string) => string) =>
    found("lvs1", (sections) => {
      const { status = 0, text = "" } = sections.get("keys root") ?? {};
      sections.set("keys root", { status, text: change(text) });
    }).drifts?.map(({ title, diff }) => [title, ...diff]);
  expect(of((text) => `${text}ssh-ed25519 AAAAoperator me@desk\n`)).toEqual([]);
  expect(of((text) => text.replace(key, other))).toEqual([
    ["authorized_keys of root", `-${key}`, `+${other}`],
  ]);
  // Another key under the stack's own comment logs in, too.
  expect(of((text) => `${text}${other}\n`)).toEqual([
    ["authorized_keys of root", ` ${key}`, `+${other}`],
  ]);
  expect(of((text) => text.replace(`${key}\n`, ""))).toEqual([
    ["authorized_keys of root", `-${key}`],
  ]);
});

test("a director in maintenance has its keepalived stopped, over a reboot, too, and no table", () => {
  const host = withStep("lvs2", "keepalived.sh", ({ args }) => ({
    args: [...args.slice(0, 2), "stopped", ...args.slice(2)],
  }));
  const of = (...service: string[]) =>
    found(
      "lvs2",
      (sections) => {
        const text = ["LoadState=loaded", ...service, ""].join("\n");
        sections.set("service keepalived.service", { status: 0, text });
        for (const question of ["ipvs", "ipvs-rules", "ipvs-daemons"]) {
          sections.set(question, { status: 0, text: "" });
        }
      },
      host,
    ).drifts?.map(({ title, diff }) => [title, ...diff]);
  expect(of("ActiveState=inactive", "UnitFileState=disabled")).toEqual([]);
  expect(of("ActiveState=inactive", "UnitFileState=enabled")).toEqual([
    ["keepalived.service", "-disabled, inactive", "+enabled, inactive"],
  ]);
  expect(of("ActiveState=active", "UnitFileState=disabled")).toEqual([
    ["keepalived.service", "-disabled, inactive", "+disabled, active"],
  ]);
});

test("a director that serves has its keepalived running, and started at boot", () => {
  const of = (from: string, to: string) =>
    drifts("lvs2", (sections) => {
      edit(sections, "service keepalived.service", from, to);
    }).map(([title, , diff]) => [title, ...diff]);
  expect(of("=enabled", "=disabled")).toEqual([
    ["keepalived.service", "-enabled, active", "+disabled, active"],
  ]);
  expect(of("=active", "=failed")).toEqual([
    ["keepalived.service", "-enabled, active", "+enabled, failed"],
  ]);
  expect(of("=loaded", "=not-found")).toEqual([["keepalived.service", "it is not there"]]);
});

test("keepalived's version is compared, and that it is held", () => {
  const lvs1 = hostOf(sampleStack(), "lvs1");
  const [step] = lvs1.steps;
  if (step === undefined) throw new Error("no step");
  const args = ["apply", "pair-lvs1/10.10.0.11", "1:2.3.3-1"];
  const pinned = { ...step, name: "pair-lvs1-version", script: "version.sh", args };
  const of = (text: string) =>
    found(
      "lvs1",
      (sections) => {
        sections.set("version keepalived", { status: 0, text });
        sections.set("file /var/lib/lvs-ha/owners/version.sh", {
          status: 0,
          text: "pair-lvs1/10.10.0.11\n",
        });
      },
      { ...lvs1, steps: [pinned] },
    ).drifts?.map(({ title, diff }) => [title, ...diff]);
  expect(of("1:2.3.3-1 held\n")).toEqual([]);
  expect(of("1:2.3.3-1\n")).toEqual([["version of keepalived", "-1:2.3.3-1 held", "+1:2.3.3-1"]]);
  expect(of("1:2.3.4-1 held\n")).toEqual([
    ["version of keepalived", "-1:2.3.3-1 held", "+1:2.3.4-1 held"],
  ]);
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
  // Its check keeps it at weight 0.
  expect(of(log("Disabling", "of"), 0)).toEqual([]);
});

test("every script that the components run on hosts is known, whatever the config", async () => {
  const stack = smallStack();
  stack.ssh = { managedKey: true };
  stack.vrrp = { version: 2, advertIntervalSeconds: 1 };
  stack.firewall = { backend: "nftables" };
  stack.metrics = { enabled: true };
  stack.maintenance = ["lvs2"];
  stack.directors[0].keepalivedVersion = "1:2.2.7-1+b2";
  const { hosts } = stackOf(await exportedState(stack, { vrrpAuthPass: "pass" }));
  expect(hosts.map(({ name }) => name)).toEqual(["lvs1", "lvs2", "web1", "web2"]);
  for (const host of hosts) {
    const all = expectations(host);
    const titles = all.map(({ title }) => title);
    // lvs2 is in maintenance, and has nobody to put in again.
    expect(host.restores.map(({ name }) => name)).toEqual(
      host.name === "lvs1" ? ["pair-web1-restore-lvs1", "pair-web2-restore-lvs1"] : [],
    );
    expect(new Set(all.map(({ step }) => step.name)).size).toBe(
      host.steps.length + host.restores.length,
    );
    for (const file of readdirSync(join(__dirname, "../../templates/scripts"))) {
      expect(titles).toContain(`/usr/local/lib/lvs-ha/${file}`);
    }
    expect(titles).toContain("/etc/systemd/system/lvs-ha-firewall.service");
    expect(titles).toContain("/etc/lvs-ha/firewall.nft");
    expect(titles).toContain("sysctls");
    expect(all.find(({ title }) => title === "installed packages")?.want(new Map())).toContain(
      "nftables\n",
    );
    expect(titles).toContain("lvs-ha-metrics.timer");
    expect(titles.includes("IPVS table")).toBe(host.name === "lvs1");
    expect(titles.includes("virtual addresses")).toBe(host.role === "real server");
  }
  const ofLvs1 = expectations(hostOf({ name: "test", hosts }, "lvs1"));
  expect(ofLvs1.map(({ title }) => title)).toEqual(
    expect.arrayContaining(["/etc/keepalived/lvs-ha-secrets.conf", "authorized_keys of root"]),
  );
  const version = ofLvs1.find(({ title }) => title === "version of keepalived");
  expect(version?.want(new Map())).toBe("1:2.2.7-1+b2 held\n");
});

test("every script that puts something on a host is compared, or is a part of one that is", () => {
  const parts = [
    ...["drain.sh", "files.sh", "foreign.sh", "ipvs.sh", "network.sh"],
    ...["packages.sh", "peers.sh", "preflight.sh", "vrrp.sh"],
  ];
  const scripts = readdirSync(join(__dirname, "../../templates/scripts"));
  expect(scripts.filter((file) => !parts.includes(file)).sort()).toEqual(Object.keys(kinds).sort());
});

test("what a script writes from a text of its own is read out of it whole", () => {
  const scripts = bundledScripts({ stdin: bundle() });
  expect(scripts.get("vip.sh")).toBe(script("vip.sh"));
  const args = ["apply", "pair-web1/10.10.0.21", "real-server", "serving", "15"];
  const texts = ["vip.sh", "firewall.sh", "metrics.sh"].flatMap((file) =>
    ownTexts({ script: file, args }, scripts.get(file) ?? ""),
  );
  expect(texts.map(({ path }) => path)).toEqual([
    "/etc/systemd/system/lvs-ha-vip.service",
    "/etc/systemd/system/lvs-ha-firewall.service",
    "/etc/systemd/system/lvs-ha-metrics.service",
    "/etc/systemd/system/lvs-ha-metrics.timer",
  ]);
  for (const { text } of texts) expect(text).toMatch(/^\[Unit\]\n[^$]+\n$/);
  expect(texts[2]?.text).toContain("metrics.sh collect real-server serving\n");
  expect(texts[2]?.text).toContain("/var/lib/prometheus/node-exporter\n");
});

test("the picture names each drifted thing, its resource, and the lines", () => {
  const host = found("lvs1", (sections) => {
    edit(sections, "sysctls", "ip_forward = 1", "ip_forward = 0");
  });
  const gone = {
    ...host,
    ...{ name: "web1", unreachable: "No route to host", checked: null, drifts: null, notes: null },
  };
  const text = picture(
    { stack: "dev", at: "", clean: false, hosts: [host, gone] },
    pc.createColors(false),
  );
  expect(text).toContain("  ✘ sysctls (pair-lvs1-kernel)\n");
  expect(text).toContain("      -net.ipv4.ip_forward = 1\n      +net.ipv4.ip_forward = 0\n");
  expect(text).toContain("web1  unreachable: No route to host\n");
  expect(text).toContain("1 thing on 1 host is not as the stack says\n1 host could not be asked");
});

test("nothing is known of a host that can't be asked: not that nothing was found", () => {
  const host = hostOf(sampleStack(), "lvs1");
  expect(verified(host, expectations(host), { unreachable: "No route to host" })).toEqual({
    ...{ name: "lvs1", role: "director", unreachable: "No route to host" },
    ...{ checked: null, drifts: null, notes: null },
  });
});
