// A real server's virtual addresses, in a network namespace of each test's own. Stand-ins replace
// the modules.
import { PretendHost } from "./host";

const owner = "web1/10.10.0.21";
const brought = "/var/lib/lvs-ha/virtual-addresses-brought";

let host: PretendHost;

beforeEach(() => {
  host = new PretendHost();
  // This kernel may lack tunnels: any interface of that name will do.
  host.program("modprobe", [
    'echo "$*" >>"$FOLDER/tmp/modules"',
    "case $* in",
    "ipip) ip link add tunl0 type veth peer name peer0 ;;",
    "ip6_tunnel) ip link add ip6tnl0 type veth peer name peer6 ;;",
    '"-r ipip") ip link del tunl0 ;;',
    '"-r ip6_tunnel") ip link del ip6tnl0 ;;',
    "esac",
  ]);
  host.program("udevadm", []);
});

afterEach(() => {
  host.remove();
});

const apply = (...lines: string[]) =>
  `printf '%s\\n' ${[...lines, "==> end <=="].map((line) => `'${line}'`).join(" ")} | $FOLDER/scripts/vip.sh apply ${owner}`;
const undo = `$FOLDER/scripts/vip.sh undo ${owner}`;

/** The output of these shell lines, run one after another on a host with lo. */
function run(...lines: string[]): string {
  const { code, stdout, stderr } = host.shell(
    ["set -e", "ip link set lo up", ...lines, ""].join("\n"),
  );
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  return stdout;
}

/** An interface's `ip addr`, one address per line. */
const addresses = (device: string) =>
  `ip -o addr show dev ${device} | sed 's/^[0-9]*: [^ ]* *//; s/ *scope/ scope/; s/\\\\.*//' | grep -v -e 127.0.0.1 -e ' ::1/' -e fe80 || true`;

test("for direct routing are on lo, alone in their prefix; those of IPv4 have the labels lo:1, lo:2", () => {
  expect(
    run(apply("192.0.2.100 lo", "2001:db8::100 lo", "192.0.2.101 lo"), addresses("lo")).split("\n"),
  ).toEqual([
    "inet 192.0.2.100/32 scope global lo:1",
    "inet 192.0.2.101/32 scope global lo:2",
    expect.stringMatching(/^inet6 2001:db8::100\/128 scope global/),
    "",
  ]);
});

test("come when nobody asks this host for them any more: the ARP sysctls are first", () => {
  host.program("ip", [
    'case $* in "addr add"*) (cd /proc/sys/net/ipv4/conf && cat all/arp_ignore all/arp_announce lo/arp_ignore) >>"$FOLDER/tmp/arp" ;; esac',
    'PATH=${PATH#*:} exec ip "$@"',
  ]);
  run(apply("192.0.2.100 lo"));
  expect(host.read("/tmp/arp")).toBe("1\n2\n1\n");
});

test("that are no longer asked for go, the others stay as they are", () => {
  const first = apply("192.0.2.100 lo", "192.0.2.101 lo");
  expect(run(first, apply("192.0.2.101 lo"), addresses("lo"))).toBe(
    "inet 192.0.2.101/32 scope global lo:2\n",
  );
});

test("that somebody else put there stay when the stack goes", () => {
  const others = "ip addr add 192.0.2.100/32 dev lo";
  const [, after] = run(
    others,
    apply("192.0.2.100 lo", "192.0.2.101 lo"),
    addresses("lo"),
    "echo",
    undo,
    addresses("lo"),
  ).split("\n\n");
  expect(after).toBe("inet 192.0.2.100/32 scope global lo\n");
});

test("come after ifupdown's, which may have the same: whose they are is seen by who brings them", () => {
  run(apply("192.0.2.100 lo"));
  expect(host.read("/etc/systemd/system/lvs-ha-vip.service")).toMatch(
    /^After=.* networking\.service$/m,
  );
});

test("that an earlier version brought are its own on lo", () => {
  host.write(brought, "192.0.2.100\n192.0.2.101\n");
  const there = ["192.0.2.100", "192.0.2.101"].map(
    (address, i) => `ip addr add ${address}/32 dev lo label lo:${i + 1}`,
  );
  expect(run(...there, apply("192.0.2.101 lo"), addresses("lo"), undo, addresses("lo"))).toBe(
    "inet 192.0.2.101/32 scope global lo:2\n",
  );
});

test("of an earlier version's list come at boot, too", () => {
  host.write("/etc/lvs-ha/virtual-addresses", "192.0.2.100\n");
  const script = "$FOLDER/scripts/vip.sh";
  expect(run(`${script} up`, addresses("lo"), `${script} down`, addresses("lo"))).toBe(
    "inet 192.0.2.100/32 scope global lo:1\n",
  );
});

describe("for tunnels", () => {
  const link = (device: string) => `ip -o link show dev ${device} up | wc -l`;

  test("are on the kernel's tunnel interfaces, which are loaded and up", () => {
    expect(
      run(
        apply("192.0.2.100 tunl0", "2001:db8::100 ip6tnl0"),
        addresses("tunl0"),
        addresses("ip6tnl0"),
        link("tunl0"),
        link("ip6tnl0"),
        addresses("lo"),
      ),
    ).toMatch(
      /^inet 192\.0\.2\.100\/32 scope global tunl0\ninet6 2001:db8::100\/128 scope global[^\n]*\n1\n1\n$/,
    );
    expect(host.read("/tmp/modules")).toBe("ipip\nip6_tunnel\n");
  });

  test("take in packets whose answers leave elsewhere, before the address is there and whatever ufw says of all interfaces", () => {
    host.program("ip", [
      'case $* in "addr add"*) cat /proc/sys/net/ipv4/conf/tunl0/rp_filter >>"$FOLDER/tmp/filter" ;; esac',
      'PATH=${PATH#*:} exec ip "$@"',
    ]);
    const all = "sysctl -n net.ipv4.conf.all.rp_filter";
    expect(run("sysctl -q -w net.ipv4.conf.all.rp_filter=1", apply("192.0.2.100 tunl0"), all)).toBe(
      "1\n",
    );
    expect(host.read("/tmp/filter")).toBe("2\n");
  });

  test("go with what they brought: the module", () => {
    expect(run(apply("192.0.2.100 tunl0"), undo, "ls /sys/class/net | grep -c tunl0 || true")).toBe(
      "0\n",
    );
    expect(host.read("/tmp/modules")).toBe("ipip\n-r ipip\n");
  });

  test("go alone where the interface was there before, which is as it was", () => {
    expect(
      run(
        "ip link add tunl0 type veth peer name peer0",
        "sysctl -q -w net.ipv4.conf.tunl0.rp_filter=1",
        apply("192.0.2.100 tunl0"),
        link("tunl0"),
        apply("192.0.2.100 lo"),
        link("tunl0"),
        "sysctl -n net.ipv4.conf.tunl0.rp_filter",
        addresses("tunl0"),
        addresses("lo"),
      ),
    ).toBe("1\n0\n1\ninet 192.0.2.100/32 scope global lo:1\n");
    expect(host.read("/tmp/modules")).toBeUndefined();
  });

  test("leave an interface up that was up", () => {
    expect(
      run(
        "ip link add tunl0 type veth peer name peer0",
        "ip link set tunl0 up",
        apply("192.0.2.100 tunl0"),
        undo,
        link("tunl0"),
      ),
    ).toBe("1\n");
  });

  test("stop the run where the kernel has none", () => {
    host.program("modprobe", ["exit 1"]);
    const { code, stderr } = host.shell(apply("192.0.2.100 tunl0"));
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/module ipip cannot be loaded on kernel \d/);
    expect(host.read("/etc/systemd/system/lvs-ha-vip.service")).toBeUndefined();
  });

  test("that cannot come leave the addresses that were there, and the list for the next boot", () => {
    host.program("modprobe", ["exit 1"]);
    expect(
      run(
        apply("192.0.2.100 lo"),
        `! ${apply("192.0.2.101 lo", "192.0.2.102 tunl0")}`,
        addresses("lo"),
        "cat /etc/lvs-ha/virtual-addresses",
      ),
    ).toBe("inet 192.0.2.100/32 scope global lo:1\n192.0.2.100 lo\n");
  });
});
