// Compares the stand-in for ipvsadm with a recording of the real one, and the recording with the
// real one if this kernel has IPVS.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unpackPackage } from "../support/packages";
import { PretendHost } from "./host";

const sample = readFileSync(join(__dirname, "../ops/samples/rare-services.txt"), "utf8");

/** A real host's ipvsadm output for the same table. */
function recorded(options: string): string {
  const [, text = ""] = sample.split(`# ipvsadm ${options}\n`);
  return text.split(/^# /m)[0] ?? "";
}

/**
 * Orders that succeed and orders that fail, covering everything that the host scripts and their
 * tests ask for.
 */
const orders = [
  "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
  "-A -t 192.0.2.100:80 -s rr",
  "-A -t 192.0.2.100:80 -s rr",
  "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 3 -x 100 -y 75",
  "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
  "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
  "-e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 0",
  "-e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 2 -x 9 -y 0",
  "-e -t 192.0.2.100:80 -r 192.0.2.23:80 -g -w 0",
  "-d -t 192.0.2.100:80 -r 192.0.2.23:80",
  "-A -f 7 -6 -s wlc -p 60 -M 64",
  "-a -f 7 -6 -r [2001:db8::22]:0 -i -w 1",
  "-a -f 7 -6 -r [2001:db8::21]:0 -g -w 1",
  "-A -f 2 -s rr",
  "-A -t [2001:db8::100]:80 -s wrr",
  "-a -t [2001:db8::100]:80 -r [2001:db8::21]:80 -g -w 1",
  "-A -u 192.0.2.100:53 -s rr -o",
  "-a -u 192.0.2.100:53 -r 192.0.2.21:53 -m -w 1",
  "-A -t 192.0.2.9:80 -s sh -p 360 -b sh-port",
  "-E -t 192.0.2.100:80 -s wlc -p 300",
  "-E -t 192.0.2.101:80 -s wlc",
  "-d -t 192.0.2.100:80 -r 192.0.2.22:80",
  "-d -t 192.0.2.101:80 -r 192.0.2.22:80",
  "-D -t 192.0.2.100:80",
  "-D -t 192.0.2.100:80",
  "-C",
];

/** Prints each order's exit code, its output, and the table afterwards. */
const replay = `
    while read -r order; do
        echo "$ ipvsadm $order"
        "$@" $order </dev/null && code=0 || code=$?
        echo "$code"
        for show in -Sn -Ln "-Ln --thresholds"; do "$@" $show </dev/null; done
    done 2>&1 | sed 's/size=[0-9]*/size=256/'`;

let host: PretendHost;
beforeEach(() => {
  host = new PretendHost();
});
afterEach(() => {
  host.remove();
});

test("prints a table as ipvsadm 1.31 did, in its order and its words", () => {
  const lines = recorded("-Sn").trimEnd().split("\n").reverse();
  host.write("/ipvs/table", lines.map((line) => `${line}\n`).join(""));
  expect(host.shell("ipvsadm -Sn").stdout).toBe(recorded("-Sn"));
  expect(host.shell("ipvsadm -Ln").stdout).toBe(recorded("-Ln"));
});

/** Recorded with ipvsadm 1.31 of Debian 13 on Linux 7.2.12. */
const real = readFileSync(join(__dirname, "golden/ipvsadm.txt"), "utf8");
const input = orders.map((order) => `${order}\n`).join("");

test("takes orders as ipvsadm and the kernel did, with their words for what they refuse", () => {
  expect(host.shell(replay, ["ipvsadm"], input).stdout).toBe(real);
});

const hasIpvs = existsSync("/proc/net/ip_vs");
if (!hasIpvs)
  console.log("skipped: what is recorded of ipvsadm against this kernel, which has no ip_vs");

(hasIpvs ? test : test.skip)(
  "what is recorded is what this kernel does",
  async () => {
    const root = await unpackPackage("trixie", "ipvsadm");
    const { stdout } = spawnSync(
      "unshare",
      ["--map-root-user", "--net", "sh", "-c", replay, "sh", "chroot", root, "/usr/sbin/ipvsadm"],
      { input, encoding: "utf8" },
    );
    expect(stdout).toBe(real);
  },
  300_000,
);
