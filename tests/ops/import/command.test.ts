// `lvs import` as an operator runs it: its outputs and exit codes.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import type { Report } from "../../../ops/import";
import { lvs as runLvs } from "../../support/lvs";

jest.setTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-import-"));
const file = (name: string) => join(folder, name);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const conf = `
vrrp_instance VI_1 {
    interface eth1
    virtual_router_id 51
    authentication {
        auth_type PASS
        auth_pass hush-hsh
    }
    virtual_ipaddress {
        192.0.2.100
    }
}
include services/*.conf
`;
const service = `virtual_server 192.0.2.100 80 {
    lvs_sched rr
    lvs_method DR
    protocol TCP
    real_server 192.0.2.21 80 {
        TCP_CHECK {
        }
    }
}
`;

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(file("services"), { recursive: true });
  writeFileSync(file("keepalived.conf"), conf);
  writeFileSync(file("services/web.conf"), service);
});

/** Runs lvs for a caller in the test's folder. */
const lvs = (...args: string[]) => runLvs(["import", ...args], { env: { INIT_CWD: folder } });

test("the config is on standard output, the report on standard error, the password on neither", async () => {
  const { exitCode, stdout, stderr } = await lvs("keepalived.conf");
  const { config } = parse(stdout) as { config: Record<string, object[]> };
  expect(config["lvs-ha:virtualServers"]).toEqual([
    expect.objectContaining({ name: "http", address: "192.0.2.100/32" }),
  ]);
  expect(stderr).toContain("not expressed: 0\n");
  expect(stderr).toContain("directors[0].host: where SSH reaches lvs1\n");
  expect(stdout + stderr).not.toContain("hush");
  expect(exitCode).toBe(0);
});

test("it ends with 1 when something is not expressed, and says what and where", async () => {
  writeFileSync(file("services/web.conf"), service.replace("lvs_sched rr", "lvs_shed rr"));
  const { exitCode, stderr } = await lvs("keepalived.conf");
  expect(stderr).toContain(
    "  services/web.conf:2: lvs_shed rr\n    keepalived knows no lvs_shed here; was lvs_sched meant?\n",
  );
  expect(exitCode).toBe(1);
});

test("--output writes a file that isn't there yet, and never another", async () => {
  const first = await lvs("keepalived.conf", "--output", "Pulumi.prod.yaml");
  expect([first.exitCode, first.stdout]).toEqual([0, ""]);
  expect(parse(readFileSync(file("Pulumi.prod.yaml"), "utf8"))).toHaveProperty("config");
  writeFileSync(file("Pulumi.prod.yaml"), "mine\n");
  const second = await lvs("keepalived.conf", "-o", "Pulumi.prod.yaml");
  expect([second.exitCode, second.stderr]).toEqual([
    2,
    "lvs: Pulumi.prod.yaml is there already: name another file, or remove it\n",
  ]);
  expect(readFileSync(file("Pulumi.prod.yaml"), "utf8")).toBe("mine\n");
});

test("as JSON it can be read by a program, every line that was kept, too", async () => {
  const { exitCode, stdout, stderr } = await lvs("keepalived.conf", "--json");
  const { config, report } = JSON.parse(stdout) as { config: object; report: Report };
  expect(config).toHaveProperty("directors");
  expect(report.kept).toContainEqual({
    where: "services/web.conf:2",
    text: "lvs_sched rr",
    to: "virtualServers[http].scheduler",
  });
  expect([exitCode, stderr]).toEqual([0, ""]);
});

test("--ipvsadm adds what the kernel alone has, and tells of weights that differ", async () => {
  const rules = [
    "-A -t 192.0.2.100:80 -s rr",
    "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0",
    "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1",
  ];
  writeFileSync(file("ipvsadm"), `${rules.join("\n")}\n`);
  const { stdout, stderr } = await lvs("keepalived.conf", "--ipvsadm", "ipvsadm");
  expect(stdout).toContain("address: 192.0.2.22\n");
  expect(stderr).toContain(
    "weight of real1 (192.0.2.21:80) 0\n    now weight of real1 (192.0.2.21:80) 1: ",
  );
  expect(stderr).toContain("192.0.2.22:80\n    now virtualServers[http].realServers[real2]: ");
});

test("a Chef node's JSON is read, and JSON of anything else is a wrong command line", async () => {
  const node = {
    virtual_ipaddress1: "192.0.2.100",
    virtual_portno1: 80,
    real_server_ip_addr1: "192.0.2.21",
  };
  writeFileSync(file("node.json"), JSON.stringify(node));
  const { exitCode, stdout } = await lvs("node.json");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("net.ipv6.conf.all.disable_ipv6: 1");
  writeFileSync(file("node.json"), "{}");
  const other = await lvs("node.json");
  expect([other.exitCode, other.stderr]).toEqual([
    2,
    "lvs: node.json is no node of the cookbook lvs01: it lacks virtual_ipaddress1, virtual_portno1\n",
  ]);
});

test("a file that can't be read ends it with 3, a wrong command line with 2", async () => {
  const missing = await lvs("nowhere.conf");
  expect([missing.exitCode, missing.stdout]).toEqual([3, ""]);
  expect(missing.stderr).toContain("lvs: nowhere.conf can't be read: ENOENT");
  for (const wrong of [[], ["keepalived.conf", "--json", "--output", "x"]]) {
    expect([wrong, (await lvs(...wrong)).exitCode]).toEqual([wrong, 2]);
  }
});
