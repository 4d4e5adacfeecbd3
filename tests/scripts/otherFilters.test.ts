// The operator's own packet filters beside the stack's, as Debian's nft lists them, and what
// firewall.sh says about them before it changes anything.
import { spawnSync } from "node:child_process";
import { parseFiles } from "../../components/render/files";
import {
  backendNames,
  renderDirectorFirewall,
  renderRealServerFirewall,
} from "../../components/firewall";
import { unpackPackage } from "../support/packages";
import { settingsOf, smallStack, type Stack } from "../support/stacks";
import { PretendHost, type Result } from "./host";

/** A table with one chain at the hook and the policy drop. */
const dropping = (
  rules: string[],
  { hook = "input", family = "inet", more = [] as string[] } = {},
) =>
  `table ${family} mine {
    ${more.join("\n")}
    chain own {
      type filter hook ${hook} priority 0; policy drop;
      ${rules.join("\n")}
    }
  }`;
const usual = [
  "ct state established,related accept",
  'iif "lo" accept',
  "meta l4proto { 1, 58 } accept",
];
const ssh = [...usual, "tcp dport 22 accept"];
/** All rules that the small stack's lvs1 needs. */
const stacks = [
  "ip protocol 112 accept",
  "ip saddr 192.0.2.100 ip daddr 192.0.2.11 tcp sport 80 accept",
  "udp dport 8848 accept",
];

const cases: Record<
  "stops" | "warns" | "passes",
  [name: string, ruleset: string, words?: string][]
> = {
  stops: [
    ["lets in SSH alone", dropping(ssh), "table inet mine, chain own"],
    [
      "lets in SSH alone, by another chain",
      dropping([...usual, "jump ssh"], { more: ["chain ssh {", "tcp dport 22 accept", "}"] }),
    ],
    [
      "lets in SSH alone, by a state's verdict",
      dropping([
        "ct state vmap { established : accept, related : accept, invalid : drop }",
        "tcp dport 22 accept",
      ]),
    ],
    ["lets in other ports alone", dropping([...ssh, "tcp dport { 443, 8000-8099 } accept"])],
    [
      "lets in the port of another address",
      dropping([
        ...ssh,
        "ip daddr 192.0.2.101 tcp dport 80 accept",
        "ip daddr 198.51.100.0/24 accept",
      ]),
    ],
    [
      "lets in the port of connections that conntrack knows, which a director's are not",
      dropping([...ssh, ...stacks, "ct state new tcp dport 80 accept"]),
      "untracked tcp to 192.0.2.100 dport 80",
    ],
    [
      "rejects all else at its end",
      "table inet mine { chain own { type filter hook input priority 0; policy accept; ct state established,related accept; tcp dport 22 accept; counter reject with icmpx type admin-prohibited; }; }",
    ],
    [
      "is firewalld's, of a zone with SSH alone",
      `table inet firewalld {
        chain services { tcp dport 22 accept; }
        chain public { jump services; meta l4proto { 1, 58 } accept; }
        chain zones { goto public; }
        chain filter_INPUT {
          type filter hook input priority 10; policy accept;
          ct state { established, related } accept
          ct status dnat accept
          iifname "lo" accept
          ct state invalid drop
          jump zones
          reject with icmpx admin-prohibited
        }
      }`,
      "table inet firewalld, chain filter_INPUT",
    ],
    [
      "drops VRRP",
      dropping([
        ...ssh,
        "tcp dport 80 accept",
        "udp dport 8848 accept",
        "ip saddr 192.0.2.100 accept",
      ]),
      "new vrrp in eth1 from 192.0.2.12",
    ],
    [
      "drops the service's port by name",
      "table ip mine { chain own { type filter hook input priority 0; tcp dport 80 drop; }; }",
      "untracked tcp to 192.0.2.100 dport 80",
    ],
    [
      "is of one family",
      dropping(["tcp dport 22 accept"], { family: "ip" }),
      "table ip mine, chain own",
    ],
  ],
  warns: [
    ["lets in some clients", dropping([...ssh, ...stacks, "ip saddr 203.0.113.0/24 accept"])],
    [
      "lets in a set's ports",
      dropping([...ssh, ...stacks, "tcp dport @open accept"], {
        more: ["set open { type inet_service; }"],
      }),
    ],
    [
      "lets in an interface",
      dropping([...usual, 'iifname "eth1" accept', "udp dport 8848 accept"]),
    ],
  ],
  passes: [
    ["lets in all that is needed", dropping([...ssh, ...stacks, "tcp dport { 22, 80 } accept"])],
    [
      "lets in what isn't tracked",
      dropping([
        ...ssh,
        "ct state untracked accept",
        "meta l4proto 112 accept",
        "ip saddr 10.0.0.0/8 accept",
        "udp dport 8848 accept",
      ]),
    ],
    [
      "lets in what is for the address",
      dropping([...ssh, ...stacks, "ip daddr 192.0.2.0/24 accept"]),
    ],
    [
      "drops nothing",
      "table inet mine { chain own { type filter hook input priority 0; tcp dport 22 accept; }; }",
    ],
    [
      "drops what is of nobody",
      'table inet mine { chain own { type filter hook input priority 0; ct state invalid drop; tcp dport 23 drop; iifname != "lo" ip daddr 127.0.0.0/8 drop; }; }',
    ],
    [
      "limits what it drops",
      "table inet mine { chain own { type filter hook input priority 0; tcp flags syn limit rate over 1000/second drop; }; }",
    ],
    ["is of the other family", dropping(["tcp dport 22 accept"], { family: "ip6" })],
    [
      "is about what is forwarded, where the stack forwards nothing",
      dropping(['iifname "docker0" accept', "ct state established,related accept"], {
        hook: "forward",
        family: "ip",
      }),
    ],
    ["is about what goes out", dropping([], { hook: "output" })],
  ],
};

/** nft's listing of the kernel after each ruleset was loaded. */
async function listed(suite: string, rulesets: string[]): Promise<string[]> {
  const nft = await unpackPackage(suite, "nftables");
  const { stdout, stderr, status } = spawnSync(
    "unshare",
    [
      "--map-root-user",
      "--net",
      "sh",
      "-euc",
      `nft=$1; shift; for ruleset; do printf 'flush ruleset\\n%s\\n' "$ruleset" | chroot "$nft" /usr/sbin/nft -f -; chroot "$nft" /usr/sbin/nft -s -p list ruleset; echo ====; done`,
      "sh",
      nft,
      ...rulesets,
    ],
    { encoding: "utf8", timeout: 120_000 },
  );
  if (status !== 0 || stderr !== "") throw new Error(stderr);
  return stdout.split("====\n").slice(0, -1);
}

const inputs = (stack: Stack, backend: string) => {
  const settings = settingsOf({ ...stack, firewall: { backend } });
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  return [renderDirectorFirewall(settings, director), renderRealServerFirewall(settings, "web1")];
};

describe("a packet filter of the operator's own", () => {
  let host: PretendHost;
  beforeEach(() => {
    host = new PretendHost();
  });
  afterEach(() => {
    host.remove();
  });

  const apply = (ruleset: string, input: string, backend = "nftables"): Result => {
    host.write("/nft/others", ruleset);
    return host.script(
      "firewall.sh",
      ["apply", "lvs1/10.10.0.11", backend, "203.0.113.9 40000 10.10.0.11 22"],
      input,
    );
  };
  const live = () => host.read("/nft/lvs_ha");

  test.each([
    ["bookworm", "nftables"],
    ["trixie", "none"],
    ["bookworm", "auto"],
  ])(
    "stops the run before a director depends on it, where it drops what is needed, as %s's nft lists it",
    async (suite, backend) => {
      const all = Object.values(cases).flat();
      const rulesets = await listed(
        suite,
        all.map(([, ruleset]) => ruleset),
      );
      const [input = ""] = inputs(smallStack(), backend);
      for (const [i, [name, , words = ""]] of all.entries()) {
        const { code, stderr } = apply(rulesets[i] ?? "", input, backend);
        const found = code !== 0 ? "stops" : stderr.includes("please look") ? "warns" : "passes";
        const should = (["stops", "warns", "passes"] as const).find((kind) =>
          cases[kind].some(([one]) => one === name),
        );
        expect([name, found, found === should ? "" : stderr]).toEqual([name, should, ""]);
        expect(stderr).toContain(words);
        if (found === "stops") {
          expect([stderr, live()]).toEqual([
            expect.stringContaining("nothing was changed"),
            undefined,
          ]);
        }
        host.shell("rm -f $FOLDER/nft/lvs_ha");
      }
    },
    300_000,
  );

  test("of a real server, too, where it knows the connections", async () => {
    const [, input = ""] = inputs(smallStack(), "nftables");
    const [drops = "", lets = ""] = await listed("trixie", [
      dropping(ssh),
      dropping([...ssh, "ct state new tcp dport 80 accept"]),
    ]);
    expect(apply(drops, input)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("new tcp to 192.0.2.100 dport 80") as string,
    });
    expect(apply(lets, input)).toMatchObject({ code: 0 });
  }, 120_000);

  test("that drops what the stack forwards is told, and stops nothing", async () => {
    const [web] = smallStack().virtualServers;
    const [input = ""] = inputs(
      { ...smallStack(), virtualServers: [{ ...web, forwarding: "NAT" }] },
      "nftables",
    );
    const [ruleset = ""] = await listed("trixie", [
      dropping(['iifname "docker0" accept'], { hook: "forward", family: "ip" }),
    ]);
    const { code, stderr } = apply(ruleset, input);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        /table ip mine, chain own .*forwarded tcp from 192\.0\.2\.21 sport 80 and 1 more/,
      ),
    ]);
  }, 120_000);

  test.each([
    ["ip", "ufw", "192.0.2.100"],
    ["ip6", "ufw6", "2001:db8::100"],
  ])(
    "of %s that is ufw's is the back end's affair, where ufw is the stack's or goes with it",
    (family, name, address) => {
      const ufw = `table ${family} filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t\tcounter jump ${name}-before-input\n\t}\n\tchain ${name}-before-input {\n\t}\n}\n`;
      const inputOf = (backend: string) =>
        (inputs(smallStack(), backend)[0] ?? "").replace(
          "untracked tcp to 192.0.2.100 dport",
          `untracked tcp to ${address} dport`,
        );
      expect(apply(ufw, inputOf("nftables"))).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`table ${family} filter, chain INPUT`) as string,
      });
      expect(apply(ufw, inputOf("auto"), "auto")).toMatchObject({ code: 1 });
      expect(apply(ufw, inputOf("ufw"), "ufw")).toMatchObject({ code: 0 });
      expect(apply(ufw, inputOf("nftables"))).toMatchObject({ code: 0 });
    },
  );
});

test("what is needed is a line for each place, whatever the back end", () => {
  for (const backend of backendNames) {
    const [director = "", realServer = ""] = inputs(smallStack(), backend);
    expect(parseFiles(director).get("needed")).toBe(
      [
        "untracked tcp to 192.0.2.100 dport 80",
        "new vrrp in eth1 from 192.0.2.12",
        "new udp in eth0 from 10.10.0.12 dport 8848",
        "untracked tcp from 192.0.2.100 to 192.0.2.11 sport 80",
        "",
      ].join("\n"),
    );
    expect(parseFiles(realServer).get("needed")).toBe("new tcp to 192.0.2.100 dport 80\n");
  }
});
