// The text that `lvs verify` sends to a host, run there: this version's scripts, unpacked beside
// the installed ones, for every step at once.
import { cpSync, chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { program } from "../../components/host/scripts";
import { renderFiles, withEnd } from "../../components/render/files";
import { parseReport, reportScript } from "../../ops/report";
import type { StackHost, Step } from "../../ops/stack";
import { verified } from "../../ops/verify/verify";
import { verifying } from "../../ops/verify/scripts";
import { PretendHost } from "./host";
import { ends } from "./parts";

const owner = "pair-web1/10.10.0.21";
const home = "/usr/local/lib/lvs-ha";
const key = "ssh-ed25519 AAAA lvs-ha:dev:pair-ssh-web1/10.10.0.21";

const step = (script: string, args: string[], stdin = "", secret = false): Step => ({
  ...{ urn: `urn:${script}`, name: `pair-web1-${script.replace(".sh", "")}` },
  ...{ script, args, stdin, secret },
});
const demands = ["real-server", "debian", "12", "1", "lo", "curl ufw"];
const steps = [
  step("authorize.sh", ["add", key], "what was brought\n"),
  step("install.sh", ["apply", owner, ...demands], ""),
  step(
    "kernel.sh",
    ["apply", owner],
    renderFiles({
      "/etc/modules-load.d/lvs-ha.conf": ["lvs_ha_test"],
      "/etc/sysctl.d/90-lvs-ha.conf": ["net.ipv4.ip_forward = 1"],
    }),
  ),
  step("firewall.sh", ["apply", owner, "nftables", ""], ends.nftables.input),
  step("vip.sh", ["apply", owner], "192.0.2.100 lo\n"),
  step("secrets.sh", ["apply", owner], "auth_pass cAnArY42\n", true),
];
const web1: StackHost = {
  ...{ name: "web1", role: "real server", steps },
  director: { inMaintenance: false, instances: [], services: [] },
  loopback: [{ address: "192.0.2.100", interface: "lo" }],
  connection: { host: "10.10.0.21", port: 22, user: "ops", hostKey: "" },
};

let host: PretendHost;

beforeEach(() => {
  host = new PretendHost();
  for (const folder of ["local/lvs-ha", "modules/lvs_ha_test", "run/mount"]) {
    mkdirSync(join(host.folder, folder), { recursive: true });
  }
  const scripts = join(__dirname, "../../templates/scripts");
  for (const name of readdirSync(scripts)) {
    cpSync(join(scripts, name), host.at(`/local/lvs-ha/${name}`));
    chmodSync(host.at(`/local/lvs-ha/${name}`), 0o755);
  }
  host.write("/var/lib/lvs-ha/owners/install.sh", `${owner}\n`);
  host.write(
    "/etc/passwd",
    `root:x:0:0::/root:/bin/sh\nops:x:0:0::${host.at("/home/ops")}:/bin/sh\n`,
  );
  host.write("/home/ops/.ssh/authorized_keys", `ssh-ed25519 BBBB me@desk\n${key}\n`);
  host.program("modprobe", []);
  host.program("dpkg-query", ["echo installed 1"]);
  steps.forEach(({ stdin }, i) => {
    host.write(`/tmp/input${i}`, withEnd(stdin));
  });
});

afterEach(() => {
  host.remove();
});

const text = program(verifying(web1) + reportScript);
const rollback = "lvs-ha-rollback.service";

/**
 * A host's answer after every step was applied and something was changed by hand. Nothing may be
 * written meanwhile.
 * @param ask the shell that gets the text as its input
 */
function said(byHand: string[] = [], fed = text, ask = "sh -s --"): string {
  // install.sh's files are already there.
  const own = steps.filter(({ script }) => script !== "install.sh");
  const applied = own.flatMap(({ script, args }) => {
    const i = steps.findIndex((one) => one.script === script);
    const words = args.map((word) => `'${word}'`).join(" ");
    return args[0] === "apply" ? [`${home}/${script} ${words} <$FOLDER/tmp/input${i} >&2`] : [];
  });
  const places = ["etc", "local", "run", "var"].map((name) => `$FOLDER/${name}`);
  const { code, stdout, stderr } = host.shell(
    [
      "set -e",
      "export SUDO_USER=ops",
      "ip link set lo up",
      "mount --bind $FOLDER/local /usr/local/lib",
      "mount --bind $FOLDER/modules /sys/module",
      "mkdir -p /etc/modules-load.d /etc/sysctl.d /etc/systemd/system /etc/keepalived",
      `cp ${join(__dirname, "golden", rollback)} /etc/systemd/system/${rollback}`,
      `chmod 0644 /etc/systemd/system/${rollback} && systemctl -q enable ${rollback}`,
      ...applied,
      ...byHand,
      "mkdir $FOLDER/tmp/before",
      `cp -a ${places.join(" ")} $FOLDER/tmp/before`,
      `${ask} >$FOLDER/tmp/said`,
      ...places.map((place) => `diff -r $FOLDER/tmp/before/${place.slice(8)} ${place}`),
    ].join("\n"),
    [],
    fed,
  );
  expect([code, stdout, code === 0 ? "" : stderr]).toEqual([0, "", ""]);
  return host.read("/tmp/said") ?? "";
}

/** The result of that answer: titles, and what differs or could not be compared. */
function found(...args: Parameters<typeof said>) {
  const { unreachable, checked, drifts, unknown, notes } = verified(web1, [], {
    report: parseReport(said(...args)),
  });
  expect([unreachable, notes]).toEqual([null, []]);
  expect(checked).toBeGreaterThan(2 * readdirSync(host.at("/local/lvs-ha")).length);
  return [
    ...(drifts ?? []).map(({ title, diff }) => [
      title,
      ...diff.filter((line) => /^[^ ]/.test(line)),
    ]),
    ...(unknown ?? []).map(({ title, why }) => [title, why]),
  ];
}

test("every step is asked in one go; nothing differs after apply, and nothing is left behind", () => {
  expect(found()).toEqual([]);
});

test("a host without room for scratch is asked all the same, and so is one whose sh is bash", () => {
  host.program("sh", ['exec /bin/bash --posix "$@"']);
  expect(found(["export TMPDIR=/nowhere", "rm /etc/lvs-ha/virtual-addresses"])).toEqual([
    ["/etc/lvs-ha/virtual-addresses", "it is not there"],
  ]);
});

test("an installed script that somebody has changed is found, and has no say in what else is", () => {
  expect(
    found([
      `sed -i '2iexit 0' ${home}/files.sh`,
      `rm ${home}/vrrp.sh`,
      `chmod 0777 ${home}/vip.sh`,
      "rm /etc/lvs-ha/virtual-addresses",
    ]),
  ).toEqual([
    [`${home}/files.sh`, "+exit 0"],
    [`mode of ${home}/vip.sh`, "-0755 root:root", "+0777 root:root"],
    [`${home}/vrrp.sh`, "it is not there"],
    ["/etc/lvs-ha/virtual-addresses", "it is not there"],
  ]);
});

test("a secret never leaves the host, whether or not it is the stack's", () => {
  const secrets = "/etc/keepalived/lvs-ha-secrets.conf";
  const answer = said([`echo auth_pass cAnArY43 >${secrets}`]);
  expect(answer).toContain(`\nsecret 0 0 ${secrets}\n`);
  expect(answer).not.toContain("cAnArY");
  expect(verified(web1, [], { report: parseReport(answer) }).drifts).toMatchObject([
    { title: secrets, diff: ["it differs (secret, not shown)"] },
  ]);
});

test("how a script is spelt does not change what is compared", () => {
  const spelt = text
    .replaceAll('"$1" $unit 0644 <<UNIT', '"$1" "${unit}" 0644 <<-UNIT')
    .replaceAll('"$1" $list 0644 <', '"${1}" "$list" "0644" <');
  expect(spelt).not.toBe(text);
  const gone = ["/etc/systemd/system/lvs-ha-vip.service", "/etc/lvs-ha/virtual-addresses"];
  expect(found([`rm ${gone.join(" ")}`], spelt).map(([title]) => title)).toEqual([
    // The installed scripts themselves are spelled differently here.
    ...["firewall.sh", "install.sh", "keepalived.sh", "vip.sh"].map((name) => `${home}/${name}`),
    ...gone.toReversed(),
  ]);
});

test("a script that can't look says why, and the others look all the same", () => {
  const broken = text.replace("\nwhat=kernel\n", '\nwhat=kernel\necho "no room" >&2\nexit 3\n');
  expect(found([], broken).filter(([title]) => !title?.startsWith(home))).toEqual([
    ["kernel.sh", "no room"],
  ]);
});

test.each([10, 2000])(
  "a connection that breaks after %d bytes leaves nothing on the host",
  (bytes) => {
    said([], text, `sh -s -- | head -c ${bytes}`);
  },
);
