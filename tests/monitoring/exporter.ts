// The real prometheus-node-exporter of Debian, unpacked: what it shows of a folder of metrics.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unpackPackage } from "../support/packages";

/** What the exporter shows, with a director's IPVS and conntrack tables in place of this machine's. */
export async function exported(textfiles: string, suite = "bookworm"): Promise<string> {
  const root = await unpackPackage(suite, "prometheus-node-exporter");
  const proc = mkdtempSync(join(tmpdir(), "lvs-ha-proc-"));
  for (const [path, text] of Object.entries(tables)) {
    mkdirSync(dirname(join(proc, path)), { recursive: true });
    writeFileSync(join(proc, path), text);
  }
  const port = await freePort();
  const exporter = spawn(join(root, "usr/bin/prometheus-node-exporter"), [
    "--collector.disable-defaults",
    "--collector.ipvs",
    "--collector.conntrack",
    "--collector.textfile",
    `--collector.textfile.directory=${textfiles}`,
    `--path.procfs=${proc}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  try {
    return await answer(`http://127.0.0.1:${port}/metrics`);
  } finally {
    exporter.kill();
    rmSync(proc, { recursive: true });
  }
}

/** As a director of the lab had them. */
const tables = {
  "net/ip_vs": `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
FWM  00666506 rr 
  -> C0000217:0000      Route   1      5          49        
TCP  C0000264:0050 wrr  
  -> C0000215:0050      Route   1      5          2         
`,
  "net/ip_vs_stats": `   Total Incoming Outgoing         Incoming         Outgoing
   Conns  Packets  Packets            Bytes            Bytes
      81      1FF       F5             6CA0             3578

 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
       1        4        2               DD               7E
`,
  "sys/net/netfilter/nf_conntrack_count": "12\n",
  "sys/net/netfilter/nf_conntrack_max": "2000000\n",
};

async function answer(url: string): Promise<string> {
  const until = Date.now() + 20_000;
  for (;;) {
    try {
      const response = await fetch(url);
      if (response.ok) return await response.text();
      throw new Error(`status ${response.status}`);
    } catch (error) {
      if (Date.now() > until) throw new Error(`${url} does not answer`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
