// The nftables table tested with packets: the kernel treats each as the firewall's data say, one
// opening after the other.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { frame, macs, tcpFlags, type Packet } from "../../bench/frames";
import { none } from "../../components/firewall/none";
import { nftables } from "../../components/firewall/nftables";
import {
  directorRules,
  realServerRules,
  type FirewallRules,
  type Opening,
} from "../../components/firewall/openings";
import { canonical, checkedFamily, isInNetworkOf } from "../../components/schema";
import type { Settings } from "../../components/settings";
import { stackArb } from "../support/arbitraries";
import { runs, seed } from "../support/draws";
import { wholeStacks } from "../render/wholeStacks";
import { example, exampleNames } from "../support/examples";
import { unpackPackage } from "../support/packages";
import { settingsOf, smallStack } from "../support/stacks";

/** The interface that the packets arrive on. */
const device = "eth1";

/** What happens to a packet. */
interface Fate {
  isUntracked: boolean;
  mark: number;
  /** The packet has reached the host's own programs, or is forwarded. */
  isThrough: boolean;
}

/** A packet filter as data, and how it is used on the host. */
interface Case {
  rules: FirewallRules;
  /** Whether the filter has openings; otherwise it lets everything in. */
  isFirewall: boolean;
  packets: Placed[];
}

interface Placed extends Packet {
  /** The packet is for another host. */
  isForwarded: boolean;
}

/**
 * The rules as each back end wrote them before there were sets: the first opening in a list that
 * matches the packet decides.
 */
function fateOf({ rules, isFirewall }: Case, packet: Placed): Fate {
  const isIn = (openings: Opening[]) => openings.some((opening) => isAbout(opening, packet));
  const { openings, peers, services, answers, forwarded, ipvs } = rules;
  const marks = ipvs?.marked.filter((opening) => isAbout(opening, packet)) ?? [];
  const isNew =
    packet.protocol === "udp" ||
    (packet.protocol === "tcp" &&
      (ipvs?.sloppyTcp === true ||
        ((packet.flags ?? tcpFlags.syn) & (0x01 | 0x02 | 0x04 | 0x10)) === tcpFlags.syn));
  const isUnserved = ipvs !== undefined && isNew && isIn(services) && !isIn(ipvs.local);
  const isLetIn = !isFirewall || isIn([...openings, ...peers, ...services, ...answers]);
  return {
    isUntracked: ipvs !== undefined && isIn([...services, ...answers]),
    mark: marks.at(-1)?.mark ?? 0,
    isThrough: packet.isForwarded
      ? !isFirewall || forwarded.length === 0 || isIn(forwarded)
      : isLetIn && !isUnserved,
  };
}

function isAbout(opening: Opening, packet: Packet): boolean {
  const has = (range: number | string | undefined, port: number) => {
    if (range === undefined) return true;
    const [first = 0, last = first] = String(range).split("-").map(Number);
    return first <= port && port <= last;
  };
  const within = (address: string, net: string | undefined) =>
    net === undefined ||
    (checkedFamily(address) === checkedFamily(net.split("/")[0] ?? "") &&
      (net.includes("/") ? isInNetworkOf(address, net) : canonical(net) === address));
  return (
    (opening.protocol === undefined || opening.protocol === packet.protocol) &&
    (opening.interface === undefined || opening.interface === device) &&
    within(packet.from, opening.from) &&
    within(packet.to, opening.to) &&
    has(opening.fromPort, packet.fromPort) &&
    has(opening.port, packet.port)
  );
}

/** For every opening, packets that match it and packets that differ in one respect. */
function packetsFor({ openings, peers, services, answers, forwarded }: FirewallRules): Placed[] {
  const others = { inet: "198.51.100.77", inet6: "2001:db8:ffff::77" };
  const own = { inet: "198.51.100.1", inet6: "2001:db8:ffff::1" };
  const of = (opening: Opening, isForwarded: boolean): Placed[] => {
    const first = (net: string | undefined) => net && canonical(net.split("/")[0] ?? "");
    const family = checkedFamily(first(opening.from ?? opening.to) ?? "192.0.2.1");
    const ends = (range: number | string | undefined) =>
      String(range ?? 4242)
        .split("-")
        .map(Number);
    const { protocol = "tcp" } = opening;
    const plain = {
      protocol,
      from: first(opening.from) ?? others[family],
      to: first(opening.to) ?? (isForwarded ? others : own)[family],
      isForwarded,
    };
    const all = [...ends(opening.port), ...ends(opening.port).map((port) => port ^ 1)]
      .filter((port) => port > 0 && port < 65536)
      .flatMap((port) => ends(opening.fromPort).map((fromPort) => ({ ...plain, port, fromPort })));
    return [
      ...all,
      ...all.map((packet) => ({ ...packet, flags: tcpFlags.ack })),
      ...all.map((packet) => ({ ...packet, fromPort: packet.fromPort ^ 1 })),
      ...all.map((packet) => ({ ...packet, from: others[family] })),
      ...all.map((packet) => ({ ...packet, to: (isForwarded ? others : own)[family] })),
      ...(["tcp", "udp", "sctp"] as const).flatMap((protocol) =>
        all.map((packet) => ({ ...packet, protocol })),
      ),
    ];
  };
  const drawn = [
    ...[...openings, ...peers, ...services, ...answers].flatMap((opening) => of(opening, false)),
    ...forwarded.flatMap((opening) => of(opening, true)),
  ];
  return (
    [...new Map(drawn.map((packet) => [JSON.stringify(packet), packet])).values()]
      // Addresses that the kernel drops from any wire, whatever the packet filter:
      // ip_route_input_slow(), ip6_rcv_core().
      .filter(
        ({ from, to }) =>
          !/(^|,)((0|127|22[4-9]|23\d|2[45]\d)\.|ff|fe[89ab]|::1?(,|$))/.test(`${from},${to}`),
      )
      .map((packet, i) => ({ ...packet, id: i + 1 }))
  );
}

/** The packet filter of every host of a stack, with each back end that uses a table of ours. */
function casesOf(settings: Settings): Case[] {
  const [director] = settings.directors;
  return [
    ...(director ? [directorRules(settings, director)] : []),
    ...settings.realServers.map(({ name }) => realServerRules(settings, name)),
  ].flatMap((rules) =>
    [true, false].map((isFirewall) => ({ rules, isFirewall, packets: packetsFor(rules) })),
  );
}

/** The kernel's treatment of each case's packets, in order. */
async function fates(cases: Case[]): Promise<Fate[][]> {
  const nft = await unpackPackage("trixie", "nftables");
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-packets-"));
  try {
    cpSync(join(__dirname, "../../bench/frames.pl"), join(folder, "frames.pl"));
    writeFileSync(join(folder, "probe.nft"), probe);
    for (const [i, one] of cases.entries()) {
      const { rules, isFirewall, packets } = one;
      const own = join(folder, String(i));
      mkdirSync(own);
      const [table = []] = Object.values((isFirewall ? nftables : none).render(rules));
      const text = table.map((line) => `${line}\n`).join("");
      writeFileSync(join(own, "firewall.nft"), text.replaceAll("/etc/lvs-ha/", "/tmp/"));
      writeFileSync(join(own, "frames"), packets.map((packet) => `${frame(packet)}\n`).join(""));
      const local = new Set(packets.flatMap(({ to, isForwarded }) => (isForwarded ? [] : [to])));
      writeFileSync(
        join(own, "routes"),
        [...local].map((address) => `route replace local ${address} dev lo\n`).join(""),
      );
    }
    writeFileSync(join(folder, "ssh-clients.nft"), "");
    const { stdout, stderr, status } = spawnSync(
      "unshare",
      ["--map-root-user", "--net", "--mount", "sh", "-euc", rig, "sh", nft, folder],
      { encoding: "utf8", timeout: 200_000, maxBuffer: 1e8 },
    );
    if (status !== 0 || stderr !== "") throw new Error(`${status}: ${stderr}`);
    return stdout
      .split(/^case \d+$/m)
      .slice(1)
      .map((text, i) => fatesIn(text, cases[i]?.packets ?? []));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Reports what happened, by the number in each packet. It runs after all chains of ours and lets
 * nothing pass, so that no program answers.
 */
const probe = `table inet probe
delete table inet probe
table inet probe {
    set untracked { typeof @th,48,16; size 65535; flags dynamic; }
    set marked { typeof @th,48,16 . meta mark; size 65535; flags dynamic; }
    set through { typeof @th,48,16; size 65535; flags dynamic; }
    chain before {
        type filter hook prerouting priority -100
        ct state untracked add @untracked { @th,48,16 }
        meta mark != 0 add @marked { @th,48,16 . meta mark }
    }
    chain in {
        type filter hook input priority 120
        iifname "${device}" add @through { @th,48,16 }
        iifname "${device}" drop
    }
    chain past {
        type filter hook forward priority 120
        add @through { @th,48,16 }
        drop
    }
}
`;

const rig = `
mount --bind "$2" "$1/tmp"
cd "$2"
for key in ipv4.ip_forward=1 ipv6.conf.all.forwarding=1 ipv4.conf.all.rp_filter=0 ipv4.conf.default.rp_filter=0 ipv4.conf.all.accept_local=1; do
    sysctl -q -w net.$key
done
ip link set lo up
ip link add ${device} address ${macs.receiver} type veth peer name sender address ${macs.sender}
ip link set ${device} up
sysctl -q -w net.ipv6.conf.sender.disable_ipv6=1
ip link set sender up
ip route add 198.51.100.0/24 dev ${device}
ip -6 route add 2001:db8:ffff::/48 dev ${device}
i=0
while [ -e $i ]; do
    echo case $i
    ip -batch $i/routes
    for table in $i/firewall.nft probe.nft; do
        chroot "$1" /usr/sbin/nft -f /tmp/$table
    done
    perl frames.pl sender 0 <$i/frames >/dev/null
    chroot "$1" /usr/sbin/nft list table inet probe
    chroot "$1" /usr/sbin/nft 'add table inet lvs_ha; delete table inet lvs_ha'
    i=$((i + 1))
done`;

function fatesIn(listed: string, packets: Placed[]): Fate[] {
  const elements = (name: string) => {
    const [, text = ""] =
      new RegExp(`set ${name} \\{[^}]*?elements = \\{([^}]*)\\}`).exec(listed) ?? [];
    return text
      .split(",")
      .map((element) => element.trim().split(" . ").map(Number))
      .filter(([id]) => id);
  };
  const [untracked, through] = ["untracked", "through"].map(
    (name) => new Set(elements(name).map(([id]) => id)),
  );
  const marks = new Map(elements("marked").map(([id, mark]) => [id, mark]));
  return packets.map(({ id }) => ({
    isUntracked: untracked?.has(id) ?? false,
    mark: marks.get(id) ?? 0,
    isThrough: through?.has(id) ?? false,
  }));
}

test(`the kernel does with packets what the firewall's data says, whatever the stack (SEED=${seed})`, async () => {
  const small = smallStack();
  const stacks = [
    // A service that directors answer themselves beside one that they don't; and overlapping port
    // ranges of one real server.
    settingsOf({
      ...small,
      virtualServers: [
        ...small.virtualServers,
        {
          name: "own",
          address: "192.0.2.101",
          port: 80,
          sorryServer: { address: "127.0.0.1", port: 80 },
        },
        ...[1, 2].map((fwmark) => ({
          ...{ name: `media${fwmark}`, fwmark, forwarding: "NAT", checks: [{ type: "ping" }] },
          traffic: [{ address: `192.0.2.11${fwmark}`, ports: [`8000-80${fwmark}9`] }],
        })),
      ],
    }),
    ...exampleNames.map((name) => settingsOf(example(name))),
    ...Object.values(wholeStacks).map(({ stack, authPass }) =>
      settingsOf(stack, authPass === undefined ? {} : { vrrpAuthPass: authPass }),
    ),
    ...fc.sample(stackArb(), { seed, numRuns: runs(10, 60) }).map((stack) => settingsOf(stack)),
  ];
  const cases = stacks.flatMap(casesOf);
  const found = await fates(cases);
  const differing = cases.flatMap((one, i) =>
    one.packets.flatMap((packet, j) => {
      const [is, shouldBe] = [found[i]?.[j], fateOf(one, packet)];
      return isDeepStrictEqual(is, shouldBe) ? [] : [{ packet, is, shouldBe }];
    }),
  );
  expect(differing.slice(0, 3)).toEqual([]);
  // Each outcome occurs, and so does its opposite.
  const all = found.flat();
  for (const happens of [
    ({ isUntracked }: Fate) => isUntracked,
    ({ isThrough }: Fate) => isThrough,
    ({ mark }: Fate) => mark > 0,
  ]) {
    expect(all.some(happens) && !all.every(happens)).toBe(true);
  }
}, 300_000);
