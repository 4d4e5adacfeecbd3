/** Describes the lab's current state. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { Guest } from "./guest";
import type { Lab } from "./instance";
import { labIsUp, rememberedEngine } from "./lab";
import { cacheDirectory } from "./paths";
import { output, run } from "./run";
import { table } from "./table";

/** Hosts, engine and cache, as lines of text. */
export async function labStatus(lab: Lab): Promise<string> {
  const rows = await Promise.all(
    lab.topology.hosts.map(async (host) => {
      const guest = new Guest(lab, host);
      const { up, memory } = await processFigures(guest.pid);
      return [
        host.name,
        host.role,
        `Debian ${host.release}`,
        guest.isOn ? "on" : "off",
        up,
        memory,
        host.private.ipv4,
        host.public.ipv4,
        existsSync(guest.consoleLog) ? guest.consoleLog : "-",
      ];
    }),
  );
  const header = [
    "HOST",
    "ROLE",
    "SYSTEM",
    "POWER",
    "UP",
    "MEMORY",
    "PRIVATE",
    "PUBLIC",
    "CONSOLE",
  ];
  return [
    table([header, ...rows]),
    "",
    ...(await engineLines(lab)),
    "",
    ...(await cacheLines()),
  ].join("\n");
}

async function processFigures(pid: number | undefined): Promise<{ up: string; memory: string }> {
  const { stdout } = await run("ps", ["-o", "etime=,rss=", "-p", String(pid ?? 0)]);
  const [up, kib] = stdout.trim().split(/\s+/);
  if (up === undefined || kib === undefined) return { up: "-", memory: "-" };
  return { up, memory: `${Math.round(Number(kib) / 1024)} MiB` };
}

async function engineLines(lab: Lab): Promise<string[]> {
  if (!labIsUp(lab)) return ["The lab is not up. Bring it up with: npm run lab -- up"];
  const { origin, plugins } = await rememberedEngine(lab);
  return [
    `engine          ${origin}`,
    ...Object.entries(plugins).map(([name, from]) => `plugin ${name.padEnd(8)} ${from}`),
  ];
}

async function cacheLines(): Promise<string[]> {
  const directory = cacheDirectory();
  if (!existsSync(directory)) return [`cache ${directory}: empty`];
  const kinds = (await readdir(directory)).sort().map((name) => join(directory, name));
  const { length } = directory;
  const sizes = (await output("du", ["-sh", ...kinds])).trimEnd().split("\n");
  return [
    `cache ${directory}`,
    ...sizes.map((line) => {
      const [size = "", path = ""] = line.split("\t");
      return `  ${path.slice(length + 1).padEnd(16)} ${size}`;
    }),
  ];
}
