// Entries that only the kernel has: rules as the lab's hosts printed them, beside a keepalived.conf
// with one virtual server.
import { importConfig } from "../../../ops/import";
import { sample } from "../sampleHosts";

const conf = `vrrp_instance VI_1 {
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.100
    }
}
virtual_server 192.0.2.100 80 {
    lvs_sched wrr
    lvs_method DR
    protocol TCP
    persistence_timeout 300
    real_server 192.0.2.21 80 {
        weight 1
    }
    sorry_server 192.0.2.22 80
}
`;
const [, rules = ""] = /# ipvsadm -Sn\n([^#]*)/.exec(sample("rare-services.txt")) ?? [];

/** The import of the config together with ipvsadm's output. */
function withKernel(text: string) {
  return importConfig([{ file: "keepalived.conf", text: conf }], { file: "ipvsadm", text });
}

test("virtual servers of every kind that the kernel alone has are added, with all that their rules say", () => {
  const { config, report } = withKernel(rules);
  expect(report.inexpressible).toEqual([]);
  expect(config.virtualServers?.slice(1)).toEqual([
    expect.objectContaining({
      name: "dns",
      protocol: "UDP",
      forwarding: "TUN",
      onePacketScheduling: true,
    }),
    expect.objectContaining({
      protocol: "SCTP",
      port: 9999,
      schedulerFlags: ["mh-fallback", "mh-port"],
    }),
    expect.objectContaining({ address: "2001:db8::100/128", persistenceTimeoutSeconds: 60 }),
    expect.objectContaining({ fwmark: 1, scheduler: "sh", persistenceTimeoutSeconds: 360 }),
    expect.objectContaining({ fwmark: 2, scheduler: "wlc", persistenceGranularity: 64 }),
  ]);
  expect(config.virtualServers?.[1]).toMatchObject({ checks: [] });
});

test("the config's word counts where both have a virtual server, and a sorry server is none of its real servers", () => {
  const { config, report } = withKernel(
    "-A -t 192.0.2.100:80 -s rr\n-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1\n",
  );
  expect(config.virtualServers).toMatchObject([{ scheduler: "wrr" }]);
  expect(config.realServers?.map(({ address }) => address)).toEqual(["192.0.2.21"]);
  const changes = report.changed.filter(({ where }) => /ipvsadm|conf:12/.test(where));
  expect(changes.map(({ from, to }) => [from, to])).toEqual([
    ["TCP 192.0.2.100:80: scheduler rr", "scheduler wrr"],
    ["TCP 192.0.2.100:80: persistence timeout 0", "persistence timeout 300"],
    ["real_server 192.0.2.21 80", "virtualServers[http].realServers[real1]"],
  ]);
});

test.each([
  ["TCP  192.0.2.100:80 rr", "is not ipvsadm -Sn's"],
  [
    "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -i -w 1 --tun-type gue --tun-port 6080",
    "the stack tunnels by IPIP only, not by --tun-type gue",
  ],
])("%s is in the report: it %s", (line, why) => {
  expect(withKernel(`${line}\n`).report.inexpressible).toContainEqual({
    where: "ipvsadm:1",
    text: line,
    why,
  });
});
