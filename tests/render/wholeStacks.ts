// Stack configs that together set every key of the schema, each to a value that no other key has. A
// value that ends up in another key's place is then visible.
import { smallStack } from "../support/stacks";

type Plain = Record<string, unknown>;

const { directors, realServers } = smallStack();

/** The names say what is special about each stack; `authPass` is VRRP's. */
export const wholeStacks: Record<string, { stack: Plain; authPass?: string }> = {
  full: { stack: fullStack(), authPass: "full-pwd" },
  multicast: { stack: multicastStack() },
  one: { stack: oneInstance() },
};

/** All keys that go with unicast adverts, ufw and the newest keepalived. */
function fullStack(): Plain {
  return {
    os: "debian12",
    directors: [
      {
        ...directors[0],
        os: "debian13",
        vrrpAddress6: "2001:db8:1::11/64",
        syncAddress: "10.10.0.11",
        priority: 211,
        keepalivedVersion: "1:2.3.3-1",
      },
      {
        ...directors[1],
        os: "debian13",
        vrrpAddress6: "2001:db8:1::12/64",
        syncAddress: "10.10.0.112",
        priority: 212,
      },
    ],
    realServers: [
      {
        ...realServers[0],
        os: "debian13",
        address6: "2001:db8:1::21",
        weight: 121,
      },
      { ...realServers[1], address6: "2001:db8:1::22", weight: 122 },
      {
        name: "web3",
        host: "10.10.0.23",
        hostKey: keyOf("E"),
        address: "192.0.2.23",
        address6: "2001:db8:1::23",
        weight: 123,
      },
      // A real server that the stack doesn't manage.
      { name: "own", address: "192.0.2.24", managed: false, weight: 124 },
    ],
    virtualServers: [
      {
        name: "web",
        address: "192.0.2.100",
        port: 80,
        protocol: "TCP",
        vrrpInstance: "VI_main",
        scheduler: "sh",
        schedulerFlags: ["sh-port"],
        forwarding: "DR",
        persistenceTimeoutSeconds: 7301,
        persistenceGranularity: 19,
        delayLoopSeconds: 3.5,
        virtualHost: "web.example.net",
        alpha: true,
        omega: true,
        inhibitOnFailure: true,
        quorum: 130,
        hysteresis: 59,
        quorumUp: hook("web-up"),
        quorumDown: hook("web-down"),
        smtpAlert: true,
        haSuspend: true,
        otherKeywords: ["snmp_name web"],
        checks: allChecks(300, "192.0.2.121"),
        realServers: [
          "web1",
          {
            name: "web2",
            port: 80,
            weight: 125,
            forwarding: "TUN",
            inhibitOnFailure: false,
            upperThreshold: 5002,
            lowerThreshold: 5001,
            notifyUp: hook("web2-in"),
            notifyDown: hook("web2-out"),
            otherKeywords: ["snmp_name web2"],
            checks: allChecks(450, "192.0.2.122"),
          },
        ],
        sorryServer: {
          address: "192.0.2.99",
          port: 8099,
          forwarding: "NAT",
          inhibitOnFailure: true,
        },
      },
      {
        name: "sip",
        address: "192.0.2.101",
        port: 5060,
        protocol: "UDP",
        vrrpInstance: "VI_own",
        persistenceTimeoutSeconds: 7302,
        persistenceEngine: "sip",
        checks: [{ type: "ping" }],
      },
      {
        name: "dns",
        address: "192.0.2.102",
        port: 53,
        protocol: "UDP",
        vrrpInstance: "VI_main",
        scheduler: "wrr",
        onePacketScheduling: true,
        realServers: ["own", { name: "web3", weight: 126 }],
      },
      {
        name: "nat",
        address: "192.0.2.103",
        port: 8100,
        vrrpInstance: "VI_main",
        scheduler: "lc",
        forwarding: "NAT",
        realServers: [{ name: "web1", port: 8101 }, "web3", { name: "web2", port: 8102 }],
      },
      {
        name: "self",
        address: "192.0.2.104",
        port: 8200,
        vrrpInstance: "VI_main",
        scheduler: "wlc",
        realServers: ["web3", "own"],
      },
      {
        name: "six",
        address: "2001:db8:1::100",
        port: 443,
        vrrpInstance: "VI_six",
        scheduler: "mh",
        persistenceTimeoutSeconds: 7303,
        persistenceGranularity: 113,
        realServers: ["web1", { name: "web2", forwarding: "NAT", port: 8443 }],
      },
      {
        name: "mixed",
        address: "2001:db8:1::101",
        port: 8300,
        vrrpInstance: "VI_main",
        scheduler: "sed",
        realServers: ["web1"],
      },
      {
        name: "marked",
        fwmark: 7001,
        vrrpInstance: "VI_main",
        scheduler: "nq",
        traffic: [
          { address: "192.0.2.105", protocol: "TCP", ports: [8401, "8410-8419"] },
          { address: "192.0.2.105", protocol: "UDP", ports: [8402] },
          { address: "192.0.2.106/32", protocol: "TCP" },
        ],
        checks: [
          { type: "tcp", connectTimeoutSeconds: 2.25 },
          { type: "http", port: 8420, connectTimeoutSeconds: 2.75 },
          { type: "udp", connectTimeoutSeconds: 2.125, requireReply: true },
        ],
        realServers: [
          "web1",
          { name: "web2", forwarding: "TUN" },
          { name: "web3", forwarding: "NAT", port: 8430 },
        ],
        sorryServer: { address: "192.0.2.98" },
      },
      {
        name: "marked-nat",
        fwmark: 7002,
        vrrpInstance: "VI_main",
        scheduler: "lblc",
        forwarding: "NAT",
        traffic: [{ address: "192.0.2.107", ports: [8501] }, { address: "192.0.2.108" }],
        realServers: ["web2", "web3"],
        sorryServer: { address: "192.0.2.97", port: 8502 },
      },
      {
        name: "marked-six",
        fwmark: 7003,
        vrrpInstance: "VI_six",
        scheduler: "lblcr",
        traffic: [{ address: "2001:db8:1::102", ports: [8601, "8610-8619"] }],
        realServers: ["web1"],
      },
    ],
    vrrp: {
      ...instanceKeys({
        seconds: 0.25,
        number: 20,
        octet: 50,
        name: "all",
        on: true,
        version: 3,
      }),
      interface: "eth1",
      syncInterface: "eth0",
      connectionSync: true,
      syncDaemon: { id: 39, maxLength: 1400, port: 8849, ttl: 97, group: "224.0.0.82" },
      interfaceDelays: [{ name: "eth1", downSeconds: 0.4, upSeconds: 0.45 }],
      instances: [
        {
          name: "VI_main",
          virtualRouterId: 54,
          directors: { lvs1: { priority: 221 }, lvs2: { priority: 222 } },
        },
        {
          name: "VI_own",
          virtualRouterId: 55,
          directors: {
            lvs1: { priority: 224, vrrpAddress: "192.0.2.111/24" },
            lvs2: { priority: 223, vrrpAddress: "192.0.2.112/24" },
          },
          ...instanceKeys({
            seconds: 9,
            number: 60,
            octet: 60,
            name: "own",
            on: false,
            version: 2,
          }),
          interface: "bond0.100",
          unicast: true,
          vmac: { interface: "vmac_own" },
        },
        { name: "VI_six", virtualRouterId: 56, ...plainInstance(), unicastTtl: 252 },
        {
          name: "VI_seven",
          virtualRouterId: 57,
          ...plainInstance(),
          version: 2,
          advertIntervalSeconds: 8,
          promoteSecondaries: false,
          otherKeywords: ["skip_check_adv_addr"],
          // No virtual server uses it.
          accept: false,
          interface: "E_1",
          // The directors have no address in its network.
          virtualAddresses: [{ address: "198.51.100.70/28" }],
        },
      ],
      syncGroups: [
        {
          name: "VG_1",
          instances: ["VI_six", "VI_seven"],
          ...tracks(230),
          trackInterfaces: [{ name: "enp0s31f6-12345", weight: 236, reverse: true }],
          notify: groupNotify("group"),
          smtpAlert: true,
        },
      ],
    },
    tracking: {
      scripts: [
        {
          name: "chk_uplink",
          ...call("uplink"),
          intervalSeconds: 4.5,
          timeoutSeconds: 4.75,
          rise: 811,
          fall: 812,
          weight: -81,
          reverse: true,
          initFail: true,
        },
      ],
      processes: [
        {
          name: "proc_nginx",
          process: "nginx",
          parameters: ["-g", "daemon"],
          parameterMatch: "initial",
          fullCommand: true,
          weight: 82,
          reverse: true,
          quorum: 61014,
          quorumMax: 61015,
          forkDelaySeconds: 5.5,
          terminateDelaySeconds: 5.75,
        },
      ],
      files: [
        {
          name: "file_load",
          file: "/run/tracked/load",
          weight: 2,
          reverse: true,
          initialValue: 83,
        },
      ],
      bfd: [
        {
          name: "bfd_gateway",
          neighbor: "192.0.2.1",
          source: { lvs1: "192.0.2.11", lvs2: "192.0.2.12" },
          minRxMilliseconds: 84,
          minTxMilliseconds: 85,
          idleTxMilliseconds: 1086,
          multiplier: 96,
          passive: true,
          ttl: 251,
          maxHops: 161,
          weight: 87,
          reverse: true,
        },
        {
          name: "bfd_far",
          neighbor: { lvs1: "198.51.100.2", lvs2: "198.51.100.3" },
          multihop: true,
        },
      ],
    },
    scripts: {
      "tell.sh": "#!/bin/sh\nexit 0\n",
      "probe.sh": "#!/bin/sh\nexit 1\n",
    },
    daemon: {
      vrrpPriority: -18,
      checkerPriority: -17,
      vrrpRealtimePriority: 46,
      checkerRealtimePriority: 47,
      vrrpCpuAffinity: [0],
      checkerCpuAffinity: [1],
      noSwap: true,
      startupDelaySeconds: 6.5,
      scriptUser: "www-data",
      startupScript: { ...hook("start"), timeoutSeconds: 48 },
      shutdownScript: { ...hook("shutdown"), timeoutSeconds: 49 },
      vrrpNotifyFifo: { path: "/run/vrrp.fifo", script: hook("vrrp-fifo") },
      lvsNotifyFifo: { path: "/run/lvs.fifo", script: hook("lvs-fifo") },
      notifyFifo: { path: "/run/both.fifo" },
      realServerInitNotifies: true,
      ipvsTimeouts: { tcpSeconds: 901, tcpFinSeconds: 7121, udpSeconds: 7304 },
      otherKeywords: ["vrrp_lower_prio_no_advert", "checker_log_all_failures"],
    },
    email: {
      to: ["ops@example.net", "night@example.net"],
      from: "lvs@example.net",
      smtpServer: "10.10.0.25",
      smtpPort: 2525,
      heloName: "helo.example.net",
      connectTimeoutSeconds: 33,
      faults: false,
    },
    firewall: {
      backend: "ufw",
      allowFrom: ["10.0.0.0/8", "2001:db8:a::/48"],
      sshFrom: ["10.7.6.0/24", "2001:db8:22::/48"],
      publicSubnet: "203.0.113.0/24",
    },
    kernel: {
      conntrackMax: 1500000,
      realServerConntrackMax: 500000,
      connTabBits: 18,
      directorSysctls: { "net.core.somaxconn": 4097, "net.ipv4.vs.sync_ports": 3 },
      realServerSysctls: { "net.core.somaxconn": 4098 },
    },
    metrics: {
      enabled: true,
      allowFrom: ["10.9.8.0/24", "2001:db8:9::/48"],
      intervalSeconds: 37,
    },
    rollout: { maxUnavailable: 5, drainSeconds: 91 },
    deletionProtection: false,
    maintenance: ["web3"],
  };
}

/** All keys that go with multicast adverts, nftables and the oldest keepalived. */
function multicastStack(): Plain {
  return {
    os: "debian13",
    staggeredUpgrades: false,
    directors: [
      { ...directors[0], os: "debian12", vrrpAddress6: "2001:db8:1::11/64" },
      { ...directors[1], os: "debian12", vrrpAddress6: "2001:db8:1::12/64" },
    ],
    realServers: [
      { ...realServers[0], address6: "2001:db8:1::21" },
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
        forwarding: "TUN",
      },
      {
        name: "six",
        address: "2001:db8:1::100",
        port: 443,
        vrrpInstance: "VI_six",
        forwarding: "TUN",
        checks: [
          { type: "http", urls: [{ path: "/", regex: "^a\\.b$", regexOptions: ["multiline"] }] },
        ],
      },
      {
        name: "diameter",
        address: "192.0.2.101",
        port: 3868,
        protocol: "SCTP",
        vrrpInstance: "VI_own",
        forwarding: "NAT",
        realServers: [{ name: "web1", port: 3869 }],
      },
      {
        name: "marked-sctp",
        fwmark: 7004,
        vrrpInstance: "VI_main",
        traffic: [{ address: "192.0.2.103", protocol: "SCTP" }],
        checks: [],
      },
    ],
    vrrp: {
      interface: "E_1",
      version: 2,
      advertIntervalSeconds: 1,
      syncInterface: "bond0.100",
      syncDaemon: { group: "ff02::81" },
      multicastGroup: "224.0.0.19",
      vmac: { interface: "vmac_all" },
      instances: [
        { name: "VI_main", virtualRouterId: 51, unicast: false },
        {
          name: "VI_own",
          virtualRouterId: 52,
          interface: "eth1",
          unicast: false,
          preempt: true,
          multicastGroup: "224.0.0.20",
          vmac: {},
        },
        {
          name: "VI_six",
          virtualRouterId: 53,
          version: 3,
          advertIntervalSeconds: 0.7,
          unicast: false,
          multicastGroup: "ff02::20",
          vmac: { interface: "vmac_six" },
        },
      ],
    },
    firewall: { backend: "nftables", allowFrom: ["10.10.0.0/24"] },
    kernel: { sloppyTcp: false },
  };
}

/**
 * Keys that only affect how hosts are reached; and the single instance of a config that names none.
 */
function oneInstance(): Plain {
  return {
    ...smallStack(),
    ssh: {
      user: "admin",
      port: 2200,
      managedKey: true,
      agentSocketPath: "/run/agent.sock",
      dialErrorLimit: 7,
      perDialTimeoutSeconds: 90,
      proxy: {
        host: "bastion.example.net",
        hostKey: keyOf("P"),
        port: 2222,
        user: "hop",
      },
    },
    directors: [{ ...directors[0], user: "lvsone", port: 2201 }, directors[1]],
    vrrp: { virtualRouterId: 58, connectionSync: false, unicast: false },
    virtualServers: [{ name: "web", address: "2001:db8:1::100/128", port: 80 }],
    realServers: [{ ...realServers[0], address: "2001:db8:1::21", user: "webone", port: 2221 }],
    firewall: { backend: "none" },
    kernel: { sloppyTcp: true },
    packages: ["tcpdump", "strace"],
  };
}

/** Keys that an instance can have for itself, and `vrrp` for all instances. */
function instanceKeys(own: {
  seconds: number;
  number: number;
  octet: number;
  name: string;
  /** The value of its flags, if that may differ from the value in `vrrp`. */
  on: boolean;
  version: number;
}): Plain {
  const { seconds, number, octet, name, on, version } = own;
  return {
    version,
    advertIntervalSeconds: seconds,
    unicastTtl: 255 - number,
    checkUnicastSource: on,
    preempt: true,
    preemptDelaySeconds: number + 0.5,
    downTimerAdverts: number + 1,
    trackPrimaryInterface: !on,
    ...(name === "all" ? { accept: true } : {}),
    promoteSecondaries: on,
    otherKeywords: [name === "all" ? "debug 3" : "debug 2"],
    smtpAlert: on,
    garp: {
      masterDelaySeconds: number + 2,
      masterRepeat: number + 3,
      masterRefreshSeconds: number + 4,
      masterRefreshRepeat: number + 5,
      lowerPrioDelaySeconds: number + 6,
      lowerPrioRepeat: number + 7,
      ...(name === "all" ? { intervalSeconds: 0.0011, naIntervalSeconds: 0.0012 } : {}),
    },
    ...tracks(number + 8),
    notify: { ...groupNotify(name), masterRxLowerPri: hook(`${name}-lower`) },
    virtualAddresses: [{ address: `198.51.100.${octet}/24`, interface: "eth0" }],
    virtualRoutes: [
      {
        to: `203.0.113.${octet}`,
        via: "192.0.2.1",
        device: "eth1",
        source: `198.51.100.${octet}`,
        metric: number + 2001,
        table: number + 2002,
      },
    ],
    virtualRules: [
      {
        from: `198.51.100.${octet}`,
        to: `203.0.113.${octet + 1}`,
        table: number + 2003,
        priority: number + 2004,
      },
    ],
  };
}

/** Five weights, counting up from a number. */
function tracks(first: number): Plain {
  return {
    trackInterfaces: [{ name: "weight", weight: first, reverse: true }],
    trackScripts: [{ name: "chk_uplink", weight: first + 1, reverse: true }],
    trackProcesses: [{ name: "proc_nginx", weight: first + 2, reverse: true }],
    trackFiles: [{ name: "file_load", weight: first + 3, reverse: true }],
    trackBfd: [{ name: "bfd_gateway", weight: first + 4, reverse: true }],
  };
}

/** An instance that takes neither moving addresses nor tracking from `vrrp`. */
function plainInstance(): Plain {
  return {
    trackInterfaces: [],
    trackScripts: [],
    trackProcesses: [],
    trackFiles: [],
    trackBfd: [],
    notify: {},
    virtualAddresses: [],
    virtualRoutes: [],
    virtualRules: [],
  };
}

function groupNotify(name: string): Plain {
  return {
    master: hook(`${name}-master`),
    backup: hook(`${name}-backup`),
    fault: hook(`${name}-fault`),
    stop: hook(`${name}-stop`),
    any: hook(`${name}-any`),
    priorityChanges: true,
  };
}

/** A hook whose argument no other hook has. */
function hook(argument: string): Plain {
  return { script: "tell.sh", args: [argument], user: "nobody" };
}

function call(argument: string): Plain {
  return { script: "probe.sh", args: [argument], user: "_check" };
}

/**
 * Checks of every type. Types that can use the virtual address or another path are included in both
 * forms. Numbers count up from the first.
 */
function allChecks(first: number, address: string): Plain[] {
  let last = first;
  const next = () => ++last;
  const timing = () => ({
    retry: next(),
    delayBeforeRetrySeconds: next(),
    delayLoopSeconds: next(),
    warmupSeconds: next(),
    alpha: true,
  });
  const connection = () => ({
    ...timing(),
    connectTimeoutSeconds: next(),
    port: next(),
    logAllFailures: true,
  });
  const elsewhere = () => ({ ...connection(), address, bindInterface: "E_1" });
  const through = () => ({ ...connection(), throughVirtualAddress: true });
  const http = (name: string) => ({
    urls: [
      {
        path: `/${name}`,
        status: [next(), "301-302"],
        digest: `0123456789abcdef0123456789abc${next()}`,
        virtualHost: `${name}-url.example.net`,
      },
      {
        path: `/${name}-text`,
        regex: `^(${name}|fine)$`,
        regexNoMatch: true,
        regexOptions: ["caseless", "multiline"],
        regexStack: { startBytes: next(), maxBytes: next() },
      },
    ],
    virtualHost: `${name}.example.net`,
    httpProtocol: "1.0C",
    fastRecovery: true,
  });
  const name = (what: string) => `${what}${first}`;
  return [
    { type: "tcp", ...elsewhere() },
    { type: "tcp", ...through() },
    { type: "http", ...elsewhere(), ...http(name("http")) },
    { type: "http", ...through() },
    { type: "https", ...elsewhere(), ...http(name("https")), sni: false, tlsCompliant: true },
    { type: "https", ...through() },
    { type: "smtp", ...elsewhere(), heloName: `${name("helo")}.example.net` },
    { type: "smtp", ...through() },
    {
      type: "dns",
      ...elsewhere(),
      queryType: "MX",
      queryName: `${name("dns")}.example.net`,
    },
    { type: "dns", ...through() },
    {
      type: "udp",
      ...elsewhere(),
      payload: `0${next()}`,
      requireReply: `1${next()}`,
      minReplyLength: next(),
      maxReplyLength: next(),
    },
    { type: "udp", ...through() },
    {
      type: "ping",
      ...timing(),
      connectTimeoutSeconds: next(),
      address,
      bindInterface: "E_1",
      logAllFailures: true,
    },
    { type: "misc", ...timing(), ...call(name("misc")), timeoutSeconds: next(), dynamic: true },
    { type: "file", trackFile: "file_load", weight: next(), reverse: true },
    { type: "bfd", session: "bfd_gateway" },
  ];
}

function keyOf(letter: string): string {
  return `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(43)}`;
}
