// Stack configs that, together, have every string that the schema knows.
import { smallStack, type Stack } from "../support/stacks";

/** How scripts are called: by name alone, or with arguments and a user. */
type CallAs = "name" | "object";

/** The same stack twice: scripts are called by name in one and as objects in the other, and the firewall and the way of adverts differ. */
export function fullStacks(): Stack[] {
  return [fullStack("name", "ufw"), fullStack("object", "nftables")];
}

function fullStack(callAs: CallAs, backend: string): Stack {
  const { directors, realServers } = smallStack();
  const hook = (script: string) =>
    callAs === "name" ? script : { script, args: ["--to=ops", "x"], user: "nobody" };
  const checks = allChecks();
  const groupNotify = {
    master: hook("tell.sh"),
    backup: hook("tell.sh"),
    fault: hook("tell.sh"),
    stop: hook("tell.sh"),
    any: hook("tell.sh"),
  };
  const notify = { ...groupNotify, masterRxLowerPri: hook("tell.sh") };
  const adverts = (group: string) =>
    callAs === "name" ? { unicast: true } : { unicast: false, multicastGroup: group };
  // What a sync group tracks, its instances don't; and their weights are ignored.
  const track = {
    trackInterfaces: [{ name: "bond0.100" }, { name: "E_1" }],
    trackScripts: [{ name: "chk_uplink" }],
    trackProcesses: [{ name: "proc_nginx" }],
    trackFiles: [{ name: "file_load", weight: 0 }],
    trackBfd: [{ name: "bfd_peer" }],
  };
  const moved = (octet: number) => ({
    virtualAddresses: [{ address: `198.51.100.${octet}/24`, interface: "eth0" }],
    virtualRoutes: [
      { to: "default", via: "192.0.2.1", device: "eth1", source: `198.51.100.${octet}` },
      { to: `203.0.113.${octet}`, via: "192.0.2.1", device: "eth1" },
      { to: "203.0.113.128/25", via: "192.0.2.1", device: "eth1" },
    ],
    virtualRules: [
      { from: "198.51.100.0/24", to: "203.0.113.0/24", table: 100, priority: 1000 + octet },
      { from: `198.51.100.${octet}`, to: "203.0.113.7", table: 100, priority: 1100 + octet },
    ],
  });
  const own = { os: "debian13", user: "deploy" };
  return {
    os: "debian13",
    ssh: {
      user: "admin",
      agentSocketPath: "/run/agent.sock",
      proxy: {
        host: "bastion.example.net",
        hostKey: smallStack().directors[0].hostKey,
        user: "hop",
      },
    },
    directors: [
      {
        ...directors[0],
        ...own,
        vrrpAddress6: "2001:db8:1::11/64",
        syncAddress: "10.10.0.11",
        keepalivedVersion: "1:2.2.7-1+b2",
      },
      { ...directors[1], vrrpAddress6: "2001:db8:1::12/64", syncAddress: "10.10.0.12" },
    ],
    realServers: [
      { ...realServers[0], ...own, address6: "2001:db8:1::21" },
      { ...realServers[1], address6: "2001:db8:1::22" },
    ],
    virtualServers: [
      {
        name: "web",
        address: "192.0.2.100",
        port: 80,
        vrrpInstance: "VI_main",
        scheduler: "mh",
        schedulerFlags: ["mh-port"],
        forwarding: "DR",
        virtualHost: "www.example.net",
        quorumUp: hook("tell.sh"),
        quorumDown: hook("tell.sh"),
        checks,
        realServers: [
          "web1",
          {
            name: "web2",
            forwarding: "TUN",
            checks,
            notifyUp: hook("tell.sh"),
            notifyDown: hook("tell.sh"),
          },
        ],
        sorryServer: { address: "192.0.2.99", port: 80, forwarding: "DR" },
      },
      {
        name: "sip",
        address: "192.0.2.101",
        port: 5060,
        protocol: "UDP",
        vrrpInstance: "VI_other",
        persistenceTimeoutSeconds: 300,
        persistenceEngine: "sip",
        checks: [{ type: "ping" }],
      },
      {
        name: "marked",
        fwmark: 7,
        vrrpInstance: "VI_main",
        traffic: [{ address: "192.0.2.102", protocol: "TCP", ports: [443, "8000-8099"] }],
        checks: [{ type: "tcp", port: 443 }],
      },
    ],
    vrrp: {
      interface: "eth1",
      syncInterface: "eth0",
      syncDaemon: { group: "224.0.0.81" },
      interfaceDelays: [{ name: "eth1", downSeconds: 0.1 }],
      preempt: true,
      ...adverts("224.0.0.19"),
      vmac: { interface: "vmac_a" },
      ...track,
      ...moved(50),
      notify,
      instances: [
        { name: "VI_main", virtualRouterId: 51, directors: { lvs1: {} } },
        {
          name: "VI_other",
          virtualRouterId: 52,
          directors: { lvs1: { vrrpAddress: "192.0.2.11/24" } },
          interface: "weight",
          ...adverts("224.0.0.20"),
          vmac: { interface: "vmac_b" },
          ...track,
          ...moved(60),
          notify,
        },
      ],
      syncGroups: [
        {
          name: "VG_1",
          instances: ["VI_main", "VI_other"],
          trackInterfaces: [{ name: "enp0s31f6-12345" }],
          trackScripts: [{ name: "chk_group", weight: 5 }],
          trackProcesses: [{ name: "proc_group", weight: 5 }],
          trackFiles: [{ name: "file_group", weight: 2 }],
          trackBfd: [{ name: "bfd_each", weight: 5 }],
          notify: groupNotify,
        },
      ],
    },
    tracking: {
      scripts: [
        { name: "chk_uplink", script: "probe.sh", args: ["-q", "x"], user: "nobody" },
        { name: "chk_group", script: "probe.sh" },
      ],
      processes: [
        {
          name: "proc_nginx",
          process: "nginx",
          parameters: ["-g", "daemon"],
          parameterMatch: "initial",
        },
        { name: "proc_group", process: "sshd" },
      ],
      files: [
        { name: "file_load", file: "/run/tracked/load" },
        { name: "file_group", file: "/run/tracked/group" },
      ],
      bfd: [
        { name: "bfd_peer", neighbor: "192.0.2.1", source: { lvs1: "192.0.2.11" } },
        { name: "bfd_each", neighbor: { lvs1: "192.0.2.2", lvs2: "192.0.2.3" } },
      ],
    },
    scripts: {
      "tell.sh": "#!/bin/sh\nexit 0\n",
      "probe.sh": "#!/bin/sh\nexit 0\n",
    },
    daemon: {
      scriptUser: "root",
      startupScript: hook("tell.sh"),
      shutdownScript: hook("tell.sh"),
      vrrpNotifyFifo: { path: "/run/vrrp.fifo", script: hook("tell.sh") },
      lvsNotifyFifo: { path: "/run/lvs.fifo", script: hook("tell.sh") },
      notifyFifo: { path: "/run/both.fifo" },
    },
    email: {
      to: ["ops@example.net", "night@example.net"],
      from: "lvs@example.net",
      smtpServer: "10.10.0.25",
      heloName: "lvs.example.net",
    },
    firewall: {
      backend,
      allowFrom: ["10.0.0.0/8"],
      sshFrom: ["198.51.100.0/24"],
      publicSubnet: "192.0.2.0/24",
    },
    kernel: {
      directorSysctls: { "net.core.somaxconn": "4096" },
      realServerSysctls: { "net.ipv4.tcp_congestion_control": "cubic" },
    },
    metrics: { enabled: true, allowFrom: ["10.9.8.0/24"] },
    maintenance: ["web2"],
    packages: ["curl", "nmon"],
  };
}

/** One check of each type. */
function allChecks(): Record<string, unknown>[] {
  const connection = { address: "192.0.2.21", bindInterface: "eth1" };
  const urls = [
    {
      path: "/health?full=1",
      status: [200, "301-302"],
      digest: "0123456789abcdef0123456789abcdef",
      virtualHost: "a.example.net",
    },
    { path: "/text", regex: "^(ok|fine)$", regexOptions: ["caseless", "multiline"] },
  ];
  return [
    { type: "tcp", ...connection },
    { type: "http", ...connection, urls, virtualHost: "b.example.net", httpProtocol: "1.1" },
    { type: "https", ...connection, urls, virtualHost: "c.example.net", httpProtocol: "1.1" },
    { type: "smtp", ...connection, heloName: "d.example.net" },
    { type: "dns", ...connection, queryType: "A", queryName: "dns.example.net" },
    { type: "udp", ...connection, payload: "00ab", requireReply: "01XX" },
    { type: "ping", ...connection },
    { type: "misc", script: "probe.sh", args: ["-v", "x"], user: "nobody" },
    { type: "file", trackFile: "file_load" },
    { type: "bfd", session: "bfd_peer" },
  ];
}
