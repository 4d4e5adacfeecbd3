// Rendered files, compared with reviewed goldens and tested with the real keepalived of each
// release.
// After a deliberate change: npx jest tests/render --ci=false, with UPDATE_GOLDENS=1, then read the
// diff.
import { join } from "node:path";
import { osNames, osProfiles, type OsName } from "../../components/os/profiles";
import { renderDirectorFirewall, renderRealServerFirewall } from "../../components/firewall";
import { renderKeepalived, renderSecrets } from "../../components/render/keepalived";
import { renderDirectorKernel, renderRealServerKernel } from "../../components/render/kernel";
import { renderTemplate } from "../../components/render/template";
import type { Settings } from "../../components/settings";
import { expectGolden } from "../support/golden";
import { configTest, suites, unpack, type KeepalivedVersion } from "../support/keepalived";
import { settingsOf, smallStack } from "../support/stacks";

/** The names say what is special about each case. */
const cases: Record<string, { stack: Record<string, unknown>; authPass?: string }> = {
  small: { stack: smallStack() },
  cookbook: {
    stack: {
      ...smallStack(),
      vrrp: {
        version: 2,
        advertIntervalSeconds: 1,
        unicast: false,
        preempt: true,
        connectionSync: true,
      },
      virtualServers: [
        {
          name: "web",
          address: "192.0.2.100",
          port: 80,
          delayLoopSeconds: 20,
          persistenceTimeoutSeconds: 300,
        },
      ],
      firewall: { publicSubnet: "192.0.2.0/24" },
    },
    authPass: "grr02",
  },
  many: {
    stack: {
      ...smallStack(),
      virtualServers: [
        { name: "web", address: "192.0.2.100", port: 80, scheduler: "wlc" },
        {
          name: "tls",
          address: "192.0.2.100",
          port: 443,
          scheduler: "wlc",
          realServers: [{ name: "web1", weight: 3 }],
        },
        {
          name: "dns",
          address: "198.51.100.53/32",
          port: 53,
          protocol: "UDP",
          checks: [{ type: "tcp", port: 53 }],
          sorryServer: { address: "192.0.2.30", port: 53 },
        },
      ],
      kernel: { directorSysctls: { "net.core.somaxconn": 4096 }, connTabBits: 18 },
      firewall: { backend: "nftables", allowFrom: ["10.10.0.0/24"] },
    },
  },
  nat: {
    stack: {
      ...smallStack(),
      virtualServers: [
        { name: "web", address: "192.0.2.100", port: 80, forwarding: "NAT" },
        {
          name: "media",
          fwmark: 7,
          forwarding: "NAT",
          traffic: [{ address: "192.0.2.101", protocol: "UDP" }],
          checks: [{ type: "tcp", port: 443 }],
        },
      ],
      firewall: { backend: "nftables", allowFrom: ["10.10.0.0/24"] },
    },
  },
};

// These have all files: on the others, keepalived.conf alone may be another.
const usual = "debian12";
const complete: readonly OsName[] = [usual, "debian13"];
const others = osNames.filter((os) => !complete.includes(os));

describe.each(complete)("%s", (os) => {
  test.each(everyFile(os))("%s is as reviewed", (file, text) => {
    expectGolden(join(__dirname, "golden", os, file), text);
  });
});

describe.each(others)("%s", (os) => {
  const [own, rest] = [true, false].map((isConfig) =>
    everyFile(os).filter(([file]) => file.endsWith("/keepalived.conf") === isConfig),
  );

  test.each(own ?? [])("%s is as reviewed", (file, text) => {
    expectGolden(join(__dirname, "golden", os, file), text);
  });

  test(`all other files are those of ${usual}`, () => {
    const asUsual = new Map(everyFile(usual, osProfiles[os].lacksFirewalls.ufw && "nftables"));
    expect(rest?.map(([file, text]) => [file, text])).toEqual(
      rest?.map(([file]) => [file, asUsual.get(file)]),
    );
  });
});

/** What each case renders on a system, by CASE/FILE; with nftables where its directors can't have the case's firewall. */
function everyFile(
  os: OsName,
  backend = osProfiles[os].lacksFirewalls.ufw && "nftables",
): [file: string, text: string][] {
  return Object.entries(cases).flatMap(([name, { stack, authPass }]) => {
    const settings = settingsOf(
      {
        ...stack,
        os,
        ...(backend && { firewall: { ...(stack.firewall as object | undefined), backend } }),
      },
      authPass === undefined ? {} : { vrrpAuthPass: authPass },
    );
    const [director] = settings.directors;
    if (!director) throw new Error("no director");
    return [
      [`${name}/keepalived.conf`, renderKeepalived(settings, director, authPass !== undefined)],
      [`${name}/director-kernel`, renderDirectorKernel(settings)],
      [`${name}/director-firewall`, renderDirectorFirewall(settings, director)],
      [`${name}/real-server-kernel`, renderRealServerKernel(settings)],
      [`${name}/real-server-firewall`, renderRealServerFirewall(settings, "web1")],
    ];
  });
}

describe.each(Object.keys(suites) as KeepalivedVersion[])("keepalived %s", (version) => {
  let folder: string;
  beforeAll(async () => {
    folder = await unpack(version);
  }, 300_000);

  test.each(Object.entries(cases))("accepts %s", (_, { stack, authPass }) => {
    const settings = settingsOf(stack, authPass === undefined ? {} : { vrrpAuthPass: authPass });
    for (const text of keepalivedConfs(settings, authPass !== undefined)) {
      expect(configTest(folder, text, authPass && renderSecrets(authPass))).toEqual({
        code: 0,
        says: "",
      });
    }
  });

  test("refuses what it doesn't know, so that its yes means something", () => {
    const [text = ""] = keepalivedConfs(settingsOf(smallStack()), false);
    const { code, says } = configTest(folder, text.replace("lvs_sched rr", "lvs_sched rrr"));
    expect(says).toContain("rrr");
    // keepalived.sh reads what 2.1.5 says, which ends with 0 all the same.
    expect(code).toBe(version === "2.1.5" ? 0 : 5);
  });
});

/** Only lvs1's config: the test's network namespace has its interfaces and addresses. */
function keepalivedConfs(settings: Settings, authenticated: boolean): string[] {
  return settings.directors
    .slice(0, 1)
    .map((director) => renderKeepalived(settings, director, authenticated));
}

test("a sysctl of the config takes the place of ours, also of one that the kernel needn't know", () => {
  const stack = smallStack();
  const line = /^-?net\.ipv4\.vs\.conn_lfactor = .*$/gm;
  expect(renderDirectorKernel(settingsOf(stack)).match(line)).toEqual([
    "-net.ipv4.vs.conn_lfactor = -8",
  ]);
  stack.kernel = { directorSysctls: { "net.ipv4.vs.conn_lfactor": -4 } };
  expect(renderDirectorKernel(settingsOf(stack)).match(line)).toEqual([
    "net.ipv4.vs.conn_lfactor = -4",
  ]);
});

test("a weight of 0 is written, not left out", () => {
  const stack = smallStack();
  stack.virtualServers = [
    {
      name: "web",
      address: "192.0.2.100",
      port: 80,
      realServers: ["web1", { name: "web2", weight: 0 }],
    },
  ];
  const settings = settingsOf(stack);
  const [text = ""] = keepalivedConfs(settings, false);
  expect(text).toMatch(/real_server 192\.0\.2\.22 80 \{\n {8}weight 0\n/);
});

test("a director's peers are all the others, never itself", () => {
  const stack = smallStack();
  stack.directors.push({
    ...stack.directors[0],
    name: "lvs3",
    host: "10.10.0.13",
    vrrpAddress: "192.0.2.13/24",
  });
  const settings = settingsOf(stack);
  for (const director of settings.directors) {
    const text = renderKeepalived(settings, director, false);
    const peers = /unicast_peer \{([^}]*)\}/.exec(text)?.[1]?.trim().split(/\s+/);
    const others = settings.directors.filter(({ name }) => name !== director.name);
    expect(peers).toEqual(others.map(({ vrrpAddress }) => vrrpAddress.replace("/24", "")));
  }
});

test.each([
  ["IPv4", "192.0.2.100", "192.0.2.", "169.254.255.51/32 dev eth1 scope link"],
  ["IPv6", "2001:db8::100/128", "2001:db8::1:", "fe80::5eff:fe00:233/128 dev eth1"],
])(
  "adverts of %s tell of one address, the same whatever virtual addresses there are",
  (_, address, start, told) => {
    const stack = smallStack();
    stack.directors.forEach((director, i) => {
      director.vrrpAddress6 = `2001:db8::1${i}/64`;
    });
    for (const [i, realServer] of stack.realServers.entries()) {
      realServer.address = address.includes(":") ? `2001:db8::2${i}` : `192.0.2.2${i}`;
    }
    const toldOf = [1, 2, 99].map((count) => {
      const all = Array.from({ length: count }, (_x, i) => `${start}${i + 101}`);
      stack.virtualServers = [{ name: "web", address, port: 80 }];
      stack.vrrp = { virtualAddresses: all.map((one) => ({ address: one })) };
      const [text = ""] = keepalivedConfs(settingsOf(stack), false);
      for (const one of all) expect(text).toContain(`\n        ${one}/`);
      return /virtual_ipaddress [{]\n([^}]*)\n +[}]/.exec(text)?.[1]?.trim();
    });
    expect(toldOf).toEqual([told, told, told]);
  },
);

test("a name that the view lacks is an error, not an empty string", () => {
  expect(() => renderTemplate("keepalived.conf", {})).toThrow(
    "template keepalived.conf: no value for {{email}}",
  );
});

test("nothing is escaped", () => {
  const settings = settingsOf(smallStack());
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  expect(renderKeepalived(settings, { ...director, name: "a/b&c" }, false)).toContain(
    "router_id a/b&c\n",
  );
});
