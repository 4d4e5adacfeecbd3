/** What a director's packet filter costs by number of services: SYNs through the rendered tables, in network namespaces. */
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { check } from "../components/config";
import { renderDirectorFirewall } from "../components/firewall";
import { parseFiles } from "../components/render/files";
import type { Report } from "../lab/cache";
import { machineLoad } from "../lab/experiments/figures";
import { output } from "../lab/run";
import { unpackPackage } from "../tests/support/packages";
import { requireRoot } from "./farm";
import { frame } from "./frames";
import { type Machine, thisMachine } from "./machine";
import { stackOf } from "./stack";

/** The tables, in the order in which they are measured. */
export const filters = ["nftables", "ranges", "none"] as const;

export type Filter = (typeof filters)[number];

/** What each is, in a table. */
export const filterTitles: Record<Filter, string> = {
  nftables: "`nftables`",
  ranges: "`nftables`, one service with a range of ports",
  none: "`none` and `ufw`: the table for IPVS alone",
};

/** One run. */
export interface PacketSample {
  filter: Filter;
  services: number;
  /** SYNs that came to where IPVS takes them. */
  packets: number;
  wallSeconds: number;
  cpuSeconds: number;
  /** The machine's load average of the last minute, before it. */
  load: number;
}

/** All of a bench's figures: what docs/packets.json holds. */
export interface PacketFigures {
  experiment: "packets";
  /** When it began: ISO 8601. */
  measured: string;
  command: string;
  machine: Machine;
  /** Debian's release whose nft loaded the tables. */
  nft: string;
  load: number;
  samples: PacketSample[];
}

/** What to measure. */
export interface PacketOptions {
  services: number[];
  rounds: number;
  seconds: number;
  command: string;
}

const suite = "bookworm";

/**
 * Measures.
 *
 * @param keep called with all figures there are, each time there are more
 * @throws Error for a user other than root, and when a table can't be loaded
 */
export async function measurePackets(
  { services, rounds, seconds, command }: PacketOptions,
  report: Report,
  keep: (figures: PacketFigures) => void,
): Promise<PacketFigures> {
  requireRoot();
  const nft = await unpackPackage(suite, "nftables");
  const figures: PacketFigures = {
    experiment: "packets",
    measured: new Date().toISOString(),
    command,
    machine: thisMachine(),
    nft: suite,
    load: machineLoad(),
    samples: [],
  };
  const scratch = await mkdtemp(join(tmpdir(), "lvs-ha-bench-"));
  try {
    for (const file of ["packets.sh", "frames.pl"])
      await cp(join(__dirname, file), join(scratch, file));
    for (let round = 1; round <= rounds; round++) {
      for (const filter of filters) {
        for (const count of services) {
          const folder = await caseOf(scratch, filter, count);
          const load = machineLoad();
          const words = [
            "--net",
            "--mount",
            "sh",
            join(scratch, "packets.sh"),
            nft,
            folder,
            String(seconds),
          ];
          const text = await output("unshare", words, { timeoutSeconds: seconds + 60 });
          const [packets = NaN, sent = NaN, cpuSeconds = NaN] = text.split(/\s+/).map(Number);
          // Less than all is the queue's work, not the filter's.
          if (!(packets > 0) || packets < sent)
            throw new Error(`${sent} SYNs were sent, and ${packets} came in`);
          figures.samples.push({
            filter,
            services: count,
            packets,
            wallSeconds: seconds,
            cpuSeconds,
            load,
          });
          report(
            `${filter}, ${count} services: ${Math.round(packets / cpuSeconds)} SYNs a CPU second (load ${load.toFixed(1)})`,
          );
          keep(figures);
        }
      }
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
  return figures;
}

/** A folder for packets.sh: a table, and SYNs for its last service. */
async function caseOf(scratch: string, filter: Filter, services: number): Promise<string> {
  const folder = join(scratch, `${filter}-${services}`);
  await mkdir(folder, { recursive: true });
  const { table, address, port } = directorTable(filter, services);
  const syn = {
    from: "198.51.100.9",
    to: address,
    protocol: "tcp" as const,
    fromPort: 40_000,
    port,
  };
  // The table names it by its place on a host.
  await writeFile(join(folder, "firewall.nft"), table.replaceAll("/etc/lvs-ha/", "/tmp/"));
  await writeFile(join(folder, "ssh-clients.nft"), "");
  await writeFile(join(folder, "frames"), `${frame(syn)}\n`);
  await writeFile(join(folder, "addresses"), `${address}\n`);
  return folder;
}

/** The table of a director with so many services, and where the last of them is. */
export function directorTable(
  filter: Filter,
  services: number,
): { table: string; address: string; port: number } {
  const addresses = ["10.99.1.1", "10.99.1.2", "10.99.1.3"];
  const hostKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;
  const stack = stackOf({ hosts: 3, services }, { addresses, hostKey });
  const media = {
    name: "media",
    fwmark: 1,
    traffic: [{ address: "10.99.199.1", ports: ["9000-9099"] }],
    checks: [{ type: "ping" }],
  };
  const config = {
    ...stack,
    firewall: { backend: filter === "none" ? "none" : "nftables" },
    virtualServers: [...(filter === "ranges" ? [media] : []), ...stack.virtualServers],
  };
  const raw = new Map(
    Object.entries(config).map(([key, value]) => [
      key,
      { text: JSON.stringify(value), secret: false },
    ]),
  );
  const { settings, errors } = check(raw);
  const [director] = settings?.directors ?? [];
  if (!settings || !director) throw new Error(errors.join("\n"));
  const [flow] = settings.virtualServers.at(-1)?.flows ?? [];
  const table = parseFiles(renderDirectorFirewall(settings, director)).get(
    "/etc/lvs-ha/firewall.nft",
  );
  if (!flow || table === undefined) throw new Error(`no table for ${services} services`);
  return { table, address: flow.address, port: Number(flow.ports?.[0]) };
}
