// Pretended hosts that metrics.sh looks at: a director and a real server of one stack.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileSums } from "../../components/host/fileSums";
import { renderFiles } from "../../components/render/files";
import { renderDirectorFirewall } from "../../components/firewall";
import { renderDirectorConfig } from "../../components/render/director";
import { renderDirectorKernel, renderRealServerKernel } from "../../components/render/kernel";
import { PretendHost, type Result } from "../scripts/host";
import { settingsOf, smallStack } from "../support/stacks";

/** What the host is like when it is looked at. */
export interface State {
  /** On lo, with prefix. @default none */
  addresses?: string[];
  keepalivedRuns?: boolean;
  /** The connection sync daemons: a role each, with its interface and id where they aren't the stack's. @default a standby's */
  syncDaemon?: string[];
  packetFilter?: boolean;
}

/** Looks at a host by metrics.sh, and reads what it wrote. */
export class Metrics {
  constructor(
    private readonly host: PretendHost,
    private readonly role: "director" | "real-server",
    private readonly meant: "serving" | "stopped",
  ) {}

  /** The exporter's folder. */
  get folder(): string {
    return this.host.at("/var/lib/prometheus/node-exporter");
  }

  get text(): string {
    return this.host.read("/var/lib/prometheus/node-exporter/lvs-ha.prom") ?? "";
  }

  /** keepalived logs a line. */
  says(seconds: number, line: string): void {
    const entry = `${seconds}.123456 lvs1 Keepalived_vrrp[1234]: ${line}\n`;
    this.host.write("/journal", (this.host.read("/journal") ?? "") + entry);
  }

  /** @throws Error with what it says, when the look fails */
  look(state: State = {}): void {
    const { code, stderr } = this.attempt(state);
    if (code !== 0 || stderr !== "") throw new Error(`ended with ${code}: ${stderr}`);
  }

  attempt({
    addresses = [],
    keepalivedRuns = true,
    syncDaemon = ["backup"],
    packetFilter = true,
  }: State = {}): Result {
    const state = keepalivedRuns ? "active" : "inactive";
    this.host.write("/systemd/active/keepalived.service", `${state}\n`);
    this.host.write("/ipvs/daemons", syncDaemon.map((role) => `${role}\n`).join(""));
    if (packetFilter) this.host.write("/nft/lvs_ha", "");
    else rmSync(this.host.at("/nft/lvs_ha"), { force: true });
    const add = addresses.map((address) => `ip addr add ${address} dev lo\n`).join("");
    return this.host.shell(`${add}exec "$@"`, [
      join(this.host.scripts, "metrics.sh"),
      "collect",
      this.role,
      this.meant,
    ]);
  }

  /** A metric's values by their labels. */
  of(name: string): Record<string, number> {
    const samples = this.text.matchAll(new RegExp(`^lvs_ha_${name}(?:\\{(.*)\\})? (\\S+)$`, "gm"));
    return Object.fromEntries(
      [...samples].map(([, labels = "", value]) => [labels, Number(value)]),
    );
  }
}

const stack = {
  ...smallStack(),
  directors: smallStack().directors.map((director, i) => ({
    ...director,
    vrrpAddress6: `2001:db8::${i + 11}/64`,
  })),
  realServers: smallStack().realServers.map((realServer, i) => ({
    ...realServer,
    address6: `2001:db8::${i + 21}`,
    weight: i === 0 ? 3 : 1,
  })),
  virtualServers: [
    { name: "web", address: "192.0.2.100", port: 80, scheduler: "wrr" },
    {
      name: "dns6",
      address: "2001:DB8:0::100",
      port: 53,
      protocol: "UDP",
      realServers: [{ name: "web1", weight: 1 }],
      inhibitOnFailure: true,
    },
    {
      name: "marked",
      fwmark: 7,
      traffic: [{ address: "192.0.2.100", ports: [8080] }],
    },
  ],
  metrics: { enabled: true },
};

/** What the stack sends to its first director, changed as a test wants it. */
export function directorTexts(changes: Record<string, unknown> = {}): string[] {
  const settings = settingsOf({ ...stack, ...changes });
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  return [
    renderDirectorKernel(settings),
    renderDirectorFirewall(settings, director),
    renderDirectorConfig(settings, director, false),
  ];
}

/** A director that serves web, whose dns6 has a real server that is inhibited, and that lacks marked. */
export function directorHost(): PretendHost {
  const host = hostWith(directorTexts());
  const checks = /^virtual_server (fwmark (\d{5,})) \{/gm;
  const conf = host.read("/etc/keepalived/keepalived.conf") ?? "";
  host.write(
    "/ipvs/table",
    [
      "-A -t 192.0.2.100:80 -s wlc",
      "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 3",
      "-A -u [2001:db8::100]:53 -s wlc",
      "-a -u [2001:db8::100]:53 -r [2001:db8::21]:53 -g -w 0",
      "-A -t 198.51.100.9:25 -s rr",
      ...[...conf.matchAll(checks)].map(([, , mark = ""]) => `-A -f ${mark} -s rr`),
      "",
    ].join("\n"),
  );
  return host;
}

/** A real server behind it. */
export function realServerHost(): PretendHost {
  return hostWith([
    renderRealServerKernel(settingsOf(stack)),
    renderFiles({ "/etc/lvs-ha/virtual-addresses": ["192.0.2.100 lo", "2001:db8::100 lo"] }),
  ]);
}

/** A host on which these files are, and sysctls have the values that they set. */
function hostWith(texts: string[]): PretendHost {
  const host = new PretendHost();
  const sums = fileSums(texts)
    .split("\n")
    .filter((line) => line.includes("  /etc/"));
  for (const [, path = "", text] of texts
    .join("")
    .matchAll(/^==> (\/.*) <==\n((?:(?!==> ).*\n)*)/gm)) {
    host.write(path, text ?? "");
  }
  host.write("/etc/lvs-ha/files.sha256", sums.map((line) => `${line}\n`).join(""));
  const sysctls = host.read("/etc/sysctl.d/90-lvs-ha.conf") ?? "";
  host.write("/sysctls", sysctls.replaceAll(" = ", " "));
  for (const folder of ["/var/lib/prometheus/node-exporter", "/var/lib/lvs-ha"]) {
    mkdirSync(host.at(folder), { recursive: true });
  }
  // The kernel of the machine that runs the tests may have none of IPVS's.
  host.program("sysctl", [
    'awk -v key="$2" \'$1 == key { sub(/^[^ ]* /, ""); print }\' "$FOLDER/sysctls"',
  ]);
  return host;
}
