/**
 * Measures what a director's packet filter costs by number of services: SYNs through the rendered
 * tables, in network namespaces.
 */
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

/** The measured tables, in order. */
export const filters = ["nftables", "ranges", "none"] as const;

export type Filter = (typeof filters)[number];

/** The name of each table in the results. */
export const filterTitles: Record<Filter, string> = {
  nftables: "`nftables`",
  ranges: "`nftables`, one service with a range of ports",
  none: "`none` and `ufw`: the table for IPVS alone",
};

/** The result of one run. */
export interface PacketSample {
  filter: Filter;
  services: number;
  /** SYNs that arrived where IPVS takes them. */
  packets: number;
  wallSeconds: number;
  cpuSeconds: number;
  /** The machine's load average over one minute, before the run. */
  load: number;
}

/** All figures of a bench: the content of docs/packets.json. */
export interface PacketFigures {
  experiment: "packets";
  /** The start time, in ISO 8601. */
  measured: string;
  command: string;
  machine: Machine;
  /** The Debian release whose nft loaded the tables. */
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
 * Measures the packet filters.
 * @param keep called with all figures so far whenever there are more
 * @throws Error if the user isn't root, or a table can't be loaded
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
          // If SYNs are missing, the queue has dropped them, not the filter.
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

/** Makes a folder for packets.sh: a table, and SYNs to its last service. */
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
  // The table includes this file by its path on a host.
  await writeFile(join(folder, "firewall.nft"), table.replaceAll("/etc/lvs-ha/", "/tmp/"));
  await writeFile(join(folder, "ssh-clients.nft"), "");
  await writeFile(join(folder, "frames"), `${frame(syn)}\n`);
  await writeFile(join(folder, "addresses"), `${address}\n`);
  return folder;
}

/** The table of a director with this many services, and the address and port of the last one. */
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
