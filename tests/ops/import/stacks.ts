// Stacks that together have every key that is rendered into keepalived.conf.
import { smallStack } from "../../support/stacks";

type Stack = Record<string, unknown>;

/** The names say what is special about each stack. */
export const stacks: Record<string, { stack: Stack; authPass?: string }> = {
  "the smallest stack": { stack: smallStack() },
  "the cookbook's values": {
    stack: {
      ...smallStack(),
      vrrp: { version: 2, advertIntervalSeconds: 1, unicast: false, preempt: true },
      virtualServers: [
        {
          name: "web",
          address: "192.0.2.100",
          port: 80,
          delayLoopSeconds: 20,
          persistenceTimeoutSeconds: 300,
          checks: [{ type: "tcp", throughVirtualAddress: false }],
        },
      ],
    },
    authPass: "grr02",
  },
  "every kind of check": {
    stack: {
      ...smallStack(),
      os: "debian13",
      realServers: smallStack().realServers.map((entry) => ({ ...entry, weight: 2 })),
      scripts: { "check-db.sh": "#!/bin/sh\nexit 0\n" },
      tracking: {
        files: [
          { name: "load", file: "/run/load", weight: -2, reverse: true, initialValue: 3 },
          { name: "plain", file: "/run/plain" },
        ],
        bfd: [{ name: "to_web1", neighbor: "192.0.2.21", multiplier: 3, maxHops: 2, ttl: 64 }],
      },
      virtualServers: [
        {
          name: "web",
          address: "192.0.2.100",
          port: 80,
          scheduler: "wlc",
          alpha: true,
          omega: true,
          quorumDown: "check-db.sh",
          inhibitOnFailure: true,
          quorum: 2,
          hysteresis: 1,
          virtualHost: "www.example.org",
          checks: [
            {
              type: "http",
              retry: 4,
              delayBeforeRetrySeconds: 2.5,
              delayLoopSeconds: 7,
              warmupSeconds: 1,
              alpha: false,
              logAllFailures: true,
              httpProtocol: "1.0C",
              virtualHost: "b.example.org",
              fastRecovery: true,
              urls: [
                {
                  path: "/health?full=1&x=%20",
                  status: [200, "300-399"],
                  virtualHost: "a.example.org",
                  regex: "^ok\\s+\\d{2,}$",
                  regexNoMatch: true,
                  regexOptions: ["caseless", "multiline"],
                  regexStack: { startBytes: 32768, maxBytes: 1048576 },
                },
                { path: "/", digest: "0123456789abcdef0123456789abcdef" },
              ],
            },
            { type: "ping", connectTimeoutSeconds: 1, bindInterface: "eth1" },
          ],
        },
        {
          name: "tls",
          address: "192.0.2.100",
          port: 443,
          checks: [
            {
              type: "https",
              sni: false,
              virtualHost: "www.example.org",
              throughVirtualAddress: false,
            },
            {
              type: "https",
              port: 8443,
              httpProtocol: "1.0",
              tlsCompliant: true,
              fastRecovery: true,
              urls: [{ path: "/health" }],
            },
          ],
        },
        {
          name: "mail",
          address: "192.0.2.101/24",
          port: 25,
          checks: [
            { type: "smtp", heloName: "lvs.example.org" },
            { type: "tcp", address: "192.0.2.99", port: 26, bindInterface: "eth0" },
          ],
        },
        {
          name: "dns",
          address: "192.0.2.102",
          port: 53,
          protocol: "UDP",
          checks: [
            { type: "dns", queryType: "A", queryName: "example.org", retry: 0 },
            {
              type: "udp",
              payload: "00ff10",
              requireReply: "ABXX",
              minReplyLength: 4,
              maxReplyLength: 200,
            },
            { type: "udp", requireReply: true },
            { type: "tcp", port: 53 },
          ],
        },
        {
          name: "db",
          address: "192.0.2.103",
          port: 5432,
          checks: [
            {
              type: "misc",
              script: "check-db.sh",
              args: ["-p", "5432"],
              user: "nobody",
              timeoutSeconds: 4,
              dynamic: true,
            },
            { type: "file", trackFile: "load", weight: -3, reverse: true },
            { type: "file", trackFile: "plain" },
            { type: "bfd", session: "to_web1" },
          ],
        },
        { name: "bare", address: "192.0.2.104", port: 9, checks: [] },
      ],
    },
  },
  "real servers with settings of their own": {
    stack: {
      ...smallStack(),
      firewall: { backend: "none" },
      scripts: { "up.sh": "#!/bin/sh\n", "down.sh": "#!/bin/sh\n" },
      virtualServers: [
        {
          name: "web",
          address: "192.0.2.100",
          port: 80,
          forwarding: "NAT",
          scheduler: "sh",
          schedulerFlags: ["sh-port", "sh-fallback"],
          persistenceTimeoutSeconds: 60,
          persistenceGranularity: 24,
          quorumUp: "up.sh",
          quorumDown: { script: "down.sh", args: ["quorum"], user: "nobody" },
          otherKeywords: ["snmp_name web"],
          realServers: [
            {
              name: "web1",
              port: 8080,
              weight: 5,
              inhibitOnFailure: true,
              upperThreshold: 1000,
              lowerThreshold: 500,
              notifyUp: { script: "up.sh", args: ["web1", "--now"] },
              notifyDown: "down.sh",
              otherKeywords: ["snmp_name web1"],
            },
            { name: "web2", weight: 0, forwarding: "TUN", checks: [{ type: "ping" }] },
          ],
          sorryServer: { address: "192.0.2.30", port: 8081, inhibitOnFailure: true },
        },
        {
          name: "sip",
          address: "192.0.2.101",
          port: 5060,
          protocol: "UDP",
          onePacketScheduling: true,
          persistenceTimeoutSeconds: 60,
          persistenceEngine: "sip",
          realServers: ["web2"],
          haSuspend: true,
        },
        {
          name: "sctp",
          address: "192.0.2.102",
          port: 36412,
          protocol: "SCTP",
          scheduler: "mh",
          schedulerFlags: ["mh-port"],
        },
      ],
    },
  },
  "firewall marks": {
    stack: {
      ...smallStack(),
      virtualServers: [
        {
          name: "web",
          fwmark: 1,
          traffic: [
            { address: "192.0.2.100", ports: [80, 443] },
            { address: "192.0.2.101", protocol: "UDP", ports: [443, "8000-8010"] },
          ],
          scheduler: "wrr",
          sorryServer: { address: "192.0.2.30" },
        },
        {
          name: "nat",
          fwmark: 2,
          traffic: [{ address: "192.0.2.103", ports: [22] }],
          forwarding: "NAT",
          checks: [{ type: "tcp", port: 2222 }],
          realServers: [{ name: "web1", port: 2222 }],
        },
      ],
    },
  },
  "IPv6 beside IPv4": {
    stack: {
      ...smallStack(),
      directors: smallStack().directors.map((director, i) => ({
        ...director,
        vrrpAddress6: `2001:db8::1${i + 1}/64`,
      })),
      realServers: smallStack().realServers.map((server, i) => ({
        ...server,
        address6: `2001:db8::2${i + 1}`,
      })),
      vrrp: {
        instances: [
          { name: "V4", virtualRouterId: 51 },
          { name: "V6", virtualRouterId: 52, advertIntervalSeconds: 0.5 },
        ],
        syncGroups: [{ name: "VG", instances: ["V4", "V6"], trackInterfaces: [{ name: "eth0" }] }],
      },
      virtualServers: [
        { name: "web", address: "192.0.2.100", port: 80 },
        {
          name: "web6",
          address: "2001:db8::100/64",
          port: 80,
          vrrpInstance: "V6",
          persistenceTimeoutSeconds: 9,
          persistenceGranularity: 64,
        },
      ],
    },
  },
  "an address of the other family in one instance": {
    stack: {
      ...smallStack(),
      vrrp: {
        virtualAddresses: [
          { address: "2001:db8::1/64", interface: "eth2" },
          { address: "10.1.0.1/24", interface: "eth0" },
          { address: "192.0.2.111" },
        ],
      },
    },
  },
  "two instances, each director active for one": {
    stack: {
      ...smallStack(),
      vrrp: {
        interface: "eth3",
        preempt: true,
        instances: [
          { name: "VI_1", virtualRouterId: 51, directors: { lvs1: { priority: 200 } } },
          {
            name: "VI_2",
            virtualRouterId: 52,
            interface: "eth4",
            preemptDelaySeconds: 5.5,
            directors: {
              lvs1: { priority: 90, vrrpAddress: "198.51.100.11/24" },
              lvs2: { priority: 210, vrrpAddress: "198.51.100.12/24" },
            },
          },
        ],
        syncDaemon: { id: 7, maxLength: 1400, port: 8849, ttl: 2, group: "224.0.0.90" },
      },
      virtualServers: [
        { name: "web", address: "192.0.2.100", port: 80 },
        { name: "two", address: "198.51.100.100", port: 80, vrrpInstance: "VI_2" },
      ],
    },
  },
  "everything that VRRP can say": {
    stack: {
      ...smallStack(),
      os: "debian13",
      scripts: { "chk.sh": "#!/bin/sh\n", notify: "#!/bin/sh\n" },
      tracking: {
        scripts: [
          {
            name: "chk",
            script: "chk.sh",
            args: ["a", "b"],
            user: "nobody",
            intervalSeconds: 2,
            timeoutSeconds: 1,
            rise: 2,
            fall: 3,
            weight: -20,
            initFail: true,
          },
          { name: "chk_2", script: "chk.sh", reverse: true },
        ],
        processes: [
          {
            name: "proc",
            process: "/usr/sbin/nginx",
            parameters: ["-g", "daemon;off"],
            parameterMatch: "partial",
            weight: 5,
            quorum: 2,
            quorumMax: 9,
            forkDelaySeconds: 0.5,
            terminateDelaySeconds: 1.5,
          },
          { name: "proc_2", process: "sshd", fullCommand: true },
        ],
        files: [{ name: "file", file: "/run/weight" }],
        bfd: [
          {
            name: "bfd",
            neighbor: { lvs1: "10.0.0.8", lvs2: "10.0.0.9" },
            source: { lvs1: "10.0.0.1", lvs2: "10.0.0.2" },
            minRxMilliseconds: 100,
            minTxMilliseconds: 100,
            idleTxMilliseconds: 2000,
            passive: true,
            weight: -5,
          },
        ],
      },
      vrrp: {
        interface: "bond0.7",
        syncInterface: "bond1",
        virtualRouterId: 7,
        advertIntervalSeconds: 1.25,
        preempt: true,
        preemptDelaySeconds: 30,
        downTimerAdverts: 5,
        trackPrimaryInterface: false,
        unicastTtl: 64,
        checkUnicastSource: true,
        accept: true,
        promoteSecondaries: true,
        otherKeywords: ["kernel_rx_buf_size 65536", "skip_check_adv_addr"],
        smtpAlert: true,
        vmac: { interface: "vrrp7" },
        garp: {
          masterDelaySeconds: 1,
          masterRepeat: 2,
          masterRefreshSeconds: 60,
          masterRefreshRepeat: 3,
          lowerPrioDelaySeconds: 4,
          lowerPrioRepeat: 6,
          intervalSeconds: 0.001,
          naIntervalSeconds: 0.000001,
        },
        interfaceDelays: [
          { name: "bond0.7", downSeconds: 4.5, upSeconds: 3 },
          { name: "eth5", upSeconds: 200 },
        ],
        trackInterfaces: [
          { name: "eth0", weight: -10 },
          { name: "eth5" },
          { name: "eth6", weight: 3, reverse: true },
        ],
        trackScripts: [{ name: "chk" }, { name: "chk_2", weight: 7 }],
        trackProcesses: [{ name: "proc" }, { name: "proc_2" }],
        trackFiles: [{ name: "file", weight: 2 }],
        trackBfd: [{ name: "bfd", weight: 0, reverse: true }],
        notify: {
          master: "notify",
          backup: { script: "notify", args: ["backup"] },
          fault: { script: "notify", user: "nobody" },
          stop: { script: "notify", args: ["stop", "now"], user: "root" },
          any: "notify",
          masterRxLowerPri: { script: "notify", args: ["lower"] },
          priorityChanges: true,
        },
        virtualAddresses: [{ address: "2001:db8::100/64" }],
        virtualRoutes: [
          { to: "default", via: "192.0.2.1", device: "bond0.7", metric: 5, table: 100 },
          { to: "10.9.0.0/16", device: "eth0", source: "192.0.2.100" },
        ],
        virtualRules: [
          { from: "192.0.2.100", table: 100, priority: 1000 },
          { to: "10.9.0.0/16", table: 254, priority: 1001 },
        ],
        connectionSync: false,
      },
      daemon: {
        vrrpPriority: 0,
        checkerPriority: -5,
        vrrpRealtimePriority: 20,
        checkerRealtimePriority: 10,
        vrrpCpuAffinity: [1],
        checkerCpuAffinity: [2, 3, 0],
        startupScript: { script: "notify", args: ["up"], user: "nobody", timeoutSeconds: 60 },
        shutdownScript: "notify",
        vrrpNotifyFifo: {
          path: "/run/vrrp.fifo",
          script: { script: "notify", args: ["read"], user: "nobody" },
        },
        lvsNotifyFifo: { path: "/run/lvs.fifo", script: "notify" },
        notifyFifo: { path: "/run/both.fifo" },
        realServerInitNotifies: true,
        noSwap: true,
        startupDelaySeconds: 2.5,
        scriptUser: "keepalived_script",
        ipvsTimeouts: { tcpSeconds: 7200, tcpFinSeconds: 60, udpSeconds: 30 },
        otherKeywords: ["vrrp_min_garp true"],
      },
      email: {
        to: ["a@example.org", "b@example.org"],
        from: "lvs@example.org",
        smtpServer: "192.0.2.25",
        smtpPort: 587,
        heloName: "lvs.example.org",
        connectTimeoutSeconds: 10,
        faults: false,
      },
    },
  },
  "multicast groups of instances": {
    stack: {
      ...smallStack(),
      os: "debian13",
      scripts: { "chk.sh": "#!/bin/sh\n" },
      vrrp: {
        unicast: false,
        garp: { intervalSeconds: 0.5 },
        interfaceDelays: [{ name: "eth1", downSeconds: 0.5, upSeconds: 30 }],
        instances: [
          { name: "VI_1", virtualRouterId: 51, multicastGroup: "224.0.0.19" },
          {
            name: "VI_2",
            virtualRouterId: 52,
            garp: { masterRepeat: 2 },
            notify: { priorityChanges: false },
            virtualAddresses: [{ address: "192.0.2.101" }],
          },
          {
            name: "V6",
            virtualRouterId: 53,
            multicastGroup: "ff02::1234",
            virtualAddresses: [{ address: "2001:db8::1/64" }],
          },
        ],
        syncGroups: [
          { name: "VG_1", instances: ["VI_1", "VI_2"], notify: { priorityChanges: true } },
        ],
      },
      daemon: {
        startupScript: "chk.sh",
        shutdownScript: { script: "chk.sh", timeoutSeconds: 5 },
        vrrpNotifyFifo: { path: "/run/vrrp.fifo" },
      },
    },
  },
  "three directors": {
    stack: {
      ...smallStack(),
      directors: [
        ...smallStack().directors,
        {
          ...smallStack().directors[0],
          name: "lvs3",
          host: "10.10.0.13",
          vrrpAddress: "192.0.2.13/24",
          priority: 20,
        },
      ],
    },
  },
};
