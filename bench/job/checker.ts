/** Whether a lab's hosts do the job: asked of the hosts and of the wire, the same for every peer. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { asRoot } from "../../lab/experiments/asRoot";
import type { Lab } from "../../lab/instance";
import { inClient } from "../../lab/lab";
import { startLoad } from "../../lab/load";
import type { Job } from "./end";

const script = readFileSync(join(__dirname, "hosts/facts.sh"), "utf8");

/** What is not as the job says: empty where all is. */
export async function faults(lab: Lab, job: Job): Promise<string[]> {
  const hosts = [...job.directors, ...job.realServers];
  const facts = new Map(
    await Promise.all(
      hosts.map(async ({ name }) => [name, await factsOf(lab, name, job)] as const),
    ),
  );
  const found: string[] = [];
  const expect = (host: string, fact: string, wanted: string | RegExp) => {
    const value = facts.get(host)?.get(fact) ?? "";
    if (typeof wanted === "string" ? value !== wanted : !wanted.test(value)) {
      found.push(`${host}: ${fact} is ${JSON.stringify(value)}, not ${String(wanted)}`);
    }
  };
  for (const { name } of job.directors) {
    expect(name, "keepalived", "enabled active");
    expect(name, "net.ipv4.vs.expire_nodest_conn", "1");
    const table = linesOf(facts.get(name)?.get("ipvs") ?? "");
    const wanted = linesOf(wantedTable(job));
    found.push(
      ...table.filter((line) => !wanted.includes(line)).map((line) => `${name}: IPVS has ${line}`),
      ...wanted
        .filter((line) => !table.includes(line))
        .map((line) => `${name}: IPVS lacks ${line}`),
    );
  }
  const active = job.directors.filter(({ name }) => facts.get(name)?.get("address") !== "");
  if (active.length !== 1) {
    found.push(`${job.vip} is on ${active.map(({ name }) => name).join(" and ") || "no director"}`);
  }
  for (const { name } of job.realServers) {
    expect(name, "address", "lo");
    expect(name, "net.ipv4.conf.all.arp_ignore", "1");
    expect(name, "net.ipv4.conf.all.arp_announce", "2");
  }
  for (const { name } of hosts) {
    expect(name, "files", /^[1-9]/);
    expect(name, "filters", /^[1-9]/);
  }
  return [...found, ...(await faultsOnWire(lab, job))];
}

/** Waits until both kernels have a table of the job's; how long that took. */
export async function untilLive(lab: Lab, job: Job, limitSeconds: number): Promise<number> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  for (;;) {
    const tables = await Promise.all(
      job.directors.map(async ({ name }) => (await factsOf(lab, name, job)).get("ipvs")),
    );
    if (tables.every((table) => table === wantedTable(job))) return seconds();
    if (seconds() > limitSeconds) throw new Error(`not live: ${tables.join(" / ")}`);
  }
}

async function factsOf(lab: Lab, host: string, { vip }: Job): Promise<Map<string, string>> {
  const text = await asRoot(lab, host, `set -- ${vip}\n${script}`);
  const facts = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, fact = "", value = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    // A peer may have services by mark, for its checks through the virtual address.
    if (fact === "ipvs" && !value.includes(` -t ${vip}:`)) continue;
    const before = facts.get(fact);
    facts.set(fact, before === undefined ? value : `${before}; ${value}`);
  }
  facts.set("ipvs", sorted((facts.get("ipvs") ?? "").split("; ")));
  return facts;
}

/** As `ipvsadm -Sn` says it. */
function wantedTable({ vip, port, scheduler, realServers }: Job): string {
  const service = `-t ${vip}:${port}`;
  return sorted([
    `-A ${service} -s ${scheduler}`,
    ...realServers.map(
      ({ address, weight }) => `-a ${service} -r ${address}:${port} -g -w ${weight}`,
    ),
  ]);
}

function linesOf(table: string): string[] {
  return table.split("; ").filter((line) => line !== "");
}

/** In which order keepalived has brought them is all the same. */
function sorted(lines: string[]): string {
  return [...lines].sort().join("; ");
}

async function faultsOnWire(lab: Lab, { vip, port, realServers }: Job): Promise<string[]> {
  const found: string[] = [];
  const { result } = await startLoad(lab, { address: vip, port, rate: 100, seconds: 2 });
  const { lost, sent, byServer } = await result;
  if (lost > 0) found.push(`${lost} of ${sent} requests were lost`);
  const silent = realServers.filter(({ name }) => byServer[name] === undefined);
  if (silent.length > 0)
    found.push(`nothing came from ${silent.map(({ name }) => name).join(", ")}`);
  const login = await inClient(lab, "bash", ["-c", `timeout 2 bash -c '</dev/tcp/${vip}/22'`]);
  if (login.exitCode === 0) found.push(`port 22 of ${vip} answers`);
  return found;
}
