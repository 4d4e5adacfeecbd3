// Stack configs with one mistake each and the expected errors: for every rule and every kind of
// type.
import type { Stack } from "./stacks";

const again = { name: "again", address: "192.0.2.101", port: 80 };
const marked = { name: "marked", fwmark: 7, traffic: [{ address: "192.0.2.101", ports: [80] }] };
const instance = (i: number, more: Record<string, unknown> = {}) => ({
  name: `VI_${i}`,
  virtualRouterId: 50 + i,
  virtualAddresses: [{ address: `192.0.2.20${i}/32` }],
  ...more,
});

/** Directors whose networks are all in the config. */
const onOneInterface = (s: Stack) => {
  s.vrrp = { syncInterface: "eth1" };
  s.directors.forEach((each, i) => (each.host = `192.0.2.1${i + 1}`));
};

/** One tracked object of every kind. */
const tracked = (bfd: Record<string, unknown>) => ({
  scripts: [{ name: "chk", script: "chk.sh", ...bfd }],
  processes: [{ name: "proc", process: "nginx" }],
  files: [{ name: "load", file: "/run/load" }],
  bfd: [{ name: "far", neighbor: "192.0.2.1", ...bfd }],
});

const noRegex =
  "is not a regular expression of what every PCRE2 takes (characters, . ^ $ |, classes, (…), (?:…), (?=…), (?!…), * + ? {2,5} and these with ?, \\d \\s \\w and their capitals, \\n \\r \\t \\x41, \\ before punctuation; regexOptions for what (?i) would say), or has a letter after $";

/** What is wrong, how to make `smallStack` wrong in that way, and how the errors begin. */
export const mistakes: [claim: string, change: (stack: Stack) => unknown, ...errors: string[]][] = [
  // Errors of the schema itself
  [
    "a key misspelt",
    (s) => (s.pakages = []),
    "pakages: unknown key; did you mean packages? known here: os, ssh, directors, realServers, virtualServers, vrrp, tracking, scripts, daemon, email, firewall, kernel, metrics, rollout, deletionProtection, staggeredUpgrades, maintenance, packages, vrrpAuthPass, sshPassword, sshPrivateKey, sshPrivateKeyPassphrase, sshProxyPassword, sshProxyPrivateKey",
  ],
  [
    "an argument that an import could not know",
    (s) => {
      s.scripts = { "ask.sh": "#!/bin/sh\n" };
      s.virtualServers[0].quorumUp = { script: "ask.sh", args: ["--key", "FILL_IN"] };
    },
    "virtualServers[0].quorumUp.args[1]: still says FILL_IN; put the value there that lvs import could not know",
  ],
  [
    "a key misspelt inside",
    (s) => (s.virtualServers[0].sheduler = "rr"),
    "virtualServers[0].sheduler: unknown key; did you mean scheduler? known here: name, address, port, protocol, fwmark, traffic, vrrpInstance, scheduler, schedulerFlags, forwarding, onePacketScheduling, persistenceTimeoutSeconds, persistenceGranularity, persistenceEngine, delayLoopSeconds, checks, virtualHost, alpha, omega, inhibitOnFailure, quorum, hysteresis, quorumUp, quorumDown, smtpAlert, haSuspend, otherKeywords, realServers, sorryServer",
  ],
  [
    "a key misspelt in a check",
    (s) => (s.virtualServers[0].checks = [{ type: "tcp", prot: 80 }]),
    "virtualServers[0].checks[0].prot: unknown key; did you mean port? known here: type, retry, delayBeforeRetrySeconds, delayLoopSeconds, warmupSeconds, alpha, connectTimeoutSeconds, address, port, bindInterface, logAllFailures, throughVirtualAddress",
  ],
  [
    "a key of another kind of check",
    (s) => (s.virtualServers[0].checks = [{ type: "tcp", urls: [{ path: "/" }] }]),
    "virtualServers[0].checks[0].urls: unknown key; known here: type, retry, delayBeforeRetrySeconds, delayLoopSeconds, warmupSeconds, alpha, connectTimeoutSeconds, address, port, bindInterface, logAllFailures, throughVirtualAddress",
  ],
  [
    "a key misspelt in a real server's check",
    (s) =>
      (s.virtualServers[0].realServers = [
        { name: "web1", checks: [{ type: "http", urls: [{ path: "/", paht: "/" }] }] },
      ]),
    "virtualServers[0].realServers[0].checks[0].urls[0].paht: unknown key; did you mean path? known here: path, status, digest, virtualHost, regex, regexNoMatch, regexOptions, regexStack",
  ],
  [
    "a key misspelt beside a real server's name",
    (s) => (s.virtualServers[0].realServers = [{ name: "web1", wieght: 2 }]),
    "virtualServers[0].realServers[0].wieght: unknown key; did you mean weight? known here: name, port, weight, forwarding, checks, inhibitOnFailure, upperThreshold, lowerThreshold, notifyUp, notifyDown, otherKeywords",
  ],
  [
    "a key misspelt in an instance",
    (s) => (s.vrrp = { instances: [{ name: "VI_1", virtualRouterId: 51, vrrpPriority: 3 }] }),
    "vrrp.instances[0].vrrpPriority: unknown key; it is a key elsewhere: daemon.vrrpPriority; known here: name, virtualRouterId, directors, interface, version, advertIntervalSeconds, unicast, unicastTtl, checkUnicastSource, multicastGroup, preempt, preemptDelaySeconds, downTimerAdverts, trackPrimaryInterface, accept, promoteSecondaries, smtpAlert, vmac, garp, trackInterfaces, trackScripts, trackProcesses, trackFiles, trackBfd, notify, virtualAddresses, virtualRoutes, virtualRules, otherKeywords",
  ],
  [
    "a key misspelt of a director in an instance",
    (s) =>
      (s.vrrp = {
        instances: [{ name: "VI_1", virtualRouterId: 51, directors: { lvs1: { prio: 3 } } }],
      }),
    "vrrp.instances[0].directors.lvs1.prio: unknown key; did you mean priority? known here: priority, vrrpAddress",
  ],
  [
    "a check of no type",
    (s) => (s.virtualServers[0].checks = [{ port: 80 }]),
    "virtualServers[0].checks[0].type: is missing; it must be one of tcp, http, https, smtp, dns, udp, ping, misc, file, bfd",
  ],
  [
    "a check of an unknown type",
    (s) => (s.virtualServers[0].checks = [{ type: "htpp" }]),
    'virtualServers[0].checks[0].type: "htpp" is not one of tcp, http, https, smtp, dns, udp, ping, misc, file, bfd; did you mean http?',
  ],
  [
    "a check that is a word",
    (s) => (s.virtualServers[0].checks = ["http"]),
    'virtualServers[0].checks[0]: "http" is not an object with keys of type, retry, delayBeforeRetrySeconds, delayLoopSeconds, warmupSeconds, alpha, connectTimeoutSeconds, address, port, bindInterface, logAllFailures, throughVirtualAddress, urls, virtualHost, httpProtocol, fastRecovery, sni, tlsCompliant, heloName, queryType, queryName, payload, requireReply, minReplyLength, maxReplyLength, script, args, user, timeoutSeconds, dynamic, trackFile, weight, reverse, session',
  ],
  [
    "a virtual address that isn't one",
    (s) => (s.virtualServers[0].address = "192.0.2.300"),
    'virtualServers[0].address: "192.0.2.300" is not an IP address (192.0.2.100, or with its prefix 192.0.2.100/28)',
  ],
  [
    "virtual addresses that no host can have",
    (s) => {
      const address = (text: string, i: number) => ({ name: `v${i}`, address: text, port: 80 });
      s.virtualServers.push(
        ...["::/0", "0.1.2.3", "224.0.0.18/32", "255.255.255.255/32", "127.0.0.5/32"].map(address),
        ...["::1", "ff02::12/128", "::ffff:192.0.2.1"].map((text, i) => address(text, i + 5)),
      );
    },
    'virtualServers[1].address: "::/0" is the unspecified address, which no host can have',
    'virtualServers[2].address: "0.1.2.3" is of 0.0.0.0/8, this network, which no host can have',
    'virtualServers[3].address: "224.0.0.18/32" is a multicast address, which no host can have',
    'virtualServers[4].address: "255.255.255.255/32" is the broadcast address, which no host can have',
    'virtualServers[5].address: "127.0.0.5/32" is a loopback address, which no other host reaches',
    'virtualServers[6].address: "::1" is a loopback address, which no other host reaches',
    'virtualServers[7].address: "ff02::12/128" is a multicast address, which no host can have',
    'virtualServers[8].address: "::ffff:192.0.2.1" is an IPv4 address in IPv6\'s notation, which no host can have',
  ],
  [
    "a virtual address whose prefix takes in everything",
    (s) => (s.virtualServers[0].address = "192.0.2.100/0"),
    'virtualServers[0].address: "192.0.2.100/0" has the prefix 0, by which all there is would be on its segment (192.0.2.100/28)',
  ],
  [
    "a director's own address whose prefix does",
    (s) => {
      s.directors[0].vrrpAddress = "192.0.2.11/0";
      s.directors[1].vrrpAddress6 = "2001:db8::12/00";
      s.vrrp = {
        instances: [instance(1, { directors: { lvs2: { vrrpAddress: "192.0.2.12/0" } } })],
      };
    },
    'directors[0].vrrpAddress: "192.0.2.11/0" has the prefix 0, by which all there is would be on its segment (192.0.2.100/28)',
    'directors[1].vrrpAddress6: "2001:db8::12/00" has the prefix 0, by which all there is would be on its segment (192.0.2.100/28)',
    'vrrp.instances[0].directors.lvs2.vrrpAddress: "192.0.2.12/0" has the prefix 0, by which all there is would be on its segment (192.0.2.100/28)',
  ],
  [
    "other addresses that no host can have",
    (s) => {
      s.directors[0].vrrpAddress = "224.0.0.18/24";
      s.directors[1].syncAddress = "127.0.0.1";
      s.realServers[0].address = "0.0.0.0";
      s.realServers[1].address6 = "ff02::1";
      s.tracking = { bfd: [{ name: "far", neighbor: "127.0.0.1" }] };
      s.email = { to: ["root@example.org"], from: "lvs@example.org", smtpServer: "0.0.0.0" };
      s.virtualServers[0].sorryServer = { address: "255.255.255.255", port: 80 };
      s.virtualServers[0].checks = [{ type: "tcp", address: "224.0.0.1" }];
      s.ssh = { proxy: { host: "::", hostKey: s.directors[0].hostKey } };
    },
    'ssh.proxy.host: "::" is the unspecified address, which no host can have',
    'directors[0].vrrpAddress: "224.0.0.18/24" is a multicast address, which no host can have',
    'directors[1].syncAddress: "127.0.0.1" is a loopback address, which no other host reaches',
    'realServers[0].address: "0.0.0.0" is the unspecified address, which no host can have',
    'realServers[1].address6: "ff02::1" is a multicast address, which no host can have',
    'virtualServers[0].checks[0].address: "224.0.0.1" is a multicast address, which no host can have',
    'virtualServers[0].sorryServer.address: "255.255.255.255" is the broadcast address, which no host can have',
    'tracking.bfd[0].neighbor: "127.0.0.1" is a loopback address, which no other host reaches',
    'email.smtpServer: "0.0.0.0" is the unspecified address, which no host can have',
  ],
  [
    "port 0",
    (s) => (s.virtualServers[0].port = 0),
    "virtualServers[0].port: 0 is not a port (1–65535)",
  ],
  [
    "a port that is a word",
    (s) => (s.virtualServers[0].port = "http"),
    'virtualServers[0].port: "http" is not a port (1–65535)',
  ],
  [
    "weight -1",
    (s) => (s.realServers[1].weight = -1),
    "realServers[1].weight: -1 is not a weight (0–65535)",
  ],
  [
    "half a weight",
    (s) => (s.realServers[1].weight = 0.5),
    "realServers[1].weight: 0.5 is not a weight (0–65535)",
  ],
  [
    "a scheduler that doesn't exist",
    (s) => (s.virtualServers[0].scheduler = "rrr"),
    'virtualServers[0].scheduler: "rrr" is not one of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, sed, nq, fo, ovf, twos',
  ],
  [
    "a yes that is a word",
    (s) => (s.virtualServers[0].alpha = "yes"),
    'virtualServers[0].alpha: "yes" is not true or false',
  ],
  [
    "a time finer than keepalived's",
    (s) => (s.virtualServers[0].delayLoopSeconds = 0.0001),
    "virtualServers[0].delayLoopSeconds: 0.0001 is not a number of seconds (0.1–3600, in steps of 0.001)",
  ],
  [
    "a time that is too long",
    (s) => (s.vrrp = { preemptDelaySeconds: 1001 }),
    "vrrp.preemptDelaySeconds: 1001 is not a number of seconds (0–1000, in steps of 0.001)",
  ],
  [
    "a list that is a word",
    (s) => ((s as Record<string, unknown>).realServers = "web1"),
    'realServers: "web1" is not a list of real servers',
  ],
  [
    "no real servers",
    (s) => ((s as Record<string, unknown>).realServers = []),
    "realServers: [] has no real server: at least one must answer for the virtual servers",
  ],
  [
    "one director",
    (s) => s.directors.pop(),
    'directors: [{"name":"lvs1","host":"10.10.0.11","hostKey":"ssh-ed25519 AAAAC3NzaC1lZDI1NT… has fewer than two directors: a pair needs an active and a standby',
  ],
  [
    "a director's missing host key",
    (s) => delete s.directors[0].hostKey,
    'directors[0].hostKey: is missing; it must be a public host key, Ed25519 or ECDSA, as ssh-keyscan prints it, without the address ("ssh-ed25519 AAAA…")',
  ],
  [
    "an RSA host key",
    (s) => (s.directors[0].hostKey = `ssh-rsa ${"A".repeat(372)}`),
    'directors[0].hostKey: "ssh-rsa AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA… is not a public host key, Ed25519 or ECDSA, as ssh-keyscan prints it, without the address ("ssh-ed25519 AAAA…")',
  ],
  [
    "a subnet with host bits",
    (s) => (s.firewall = { allowFrom: ["10.0.0.1/8"] }),
    'firewall.allowFrom[0]: "10.0.0.1/8" is not a subnet in CIDR form whose host bits are 0 (10.0.0.0/8)',
  ],
  [
    "an IPv4 address for IPv6's place",
    (s) => (s.realServers[0].address6 = "192.0.2.21"),
    'realServers[0].address6: "192.0.2.21" is not an IPv6 address',
  ],
  [
    "an address without its prefix",
    (s) => (s.directors[0].vrrpAddress = "192.0.2.11"),
    'directors[0].vrrpAddress: "192.0.2.11" is not an address with its prefix (192.0.2.11/24)',
  ],
  [
    "an interface's name with a newline and braces",
    (s) => (s.vrrp = { interface: "eth1 {\n}" }),
    'vrrp.interface: "eth1 {\\n}" is not a network interface\'s name (15 characters at most)',
  ],
  [
    "an instance by the name of a directive of keepalived.conf",
    (s) => (s.vrrp = { instances: [{ name: "include", virtualRouterId: 51 }] }),
    'vrrp.instances[0].name: "include" is a directive of keepalived.conf (include, includer …)',
  ],
  [
    "a name with a capital",
    (s) => (s.directors[0].name = "LVS1"),
    'directors[0].name: "LVS1" is not a name (lower-case letters, digits and dashes, 32 at most, a letter first)',
  ],
  [
    "a range of statuses in words",
    (s) =>
      (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", status: ["2xx"] }] }]),
    'virtualServers[0].checks[0].urls[0].status[0]: "2xx" is neither an HTTP status (200) nor a range of them (200-299)',
  ],
  [
    "a range of statuses the wrong way round",
    (s) =>
      (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", status: ["299-200"] }] }]),
    'virtualServers[0].checks[0].urls[0].status[0]: "299-200" is not a range of HTTP statuses, the lower first (200-299)',
  ],
  [
    "a URL's path without a slash",
    (s) => (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "index.html" }] }]),
    'virtualServers[0].checks[0].urls[0].path: "index.html" is not a URL\'s path: it begins with /',
  ],
  [
    "a regular expression that is none",
    (s) => (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", regex: "(" }] }]),
    `virtualServers[0].checks[0].urls[0].regex: "(" ${noRegex}`,
  ],
  [
    "a regular expression that JavaScript knows and PCRE2 doesn't",
    (s) => (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", regex: "[^]" }] }]),
    `virtualServers[0].checks[0].urls[0].regex: "[^]" ${noRegex}`,
  ],
  [
    "a parameter of keepalived's in a regular expression",
    (s) => (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", regex: "$X" }] }]),
    `virtualServers[0].checks[0].urls[0].regex: "$X" ${noRegex}`,
  ],
  [
    "a regular expression that looks behind",
    (s) =>
      (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", regex: "x(?<=y)" }] }]),
    'virtualServers[0].checks[0].urls[0].regex: "x(?<=y)" looks behind, by (?<=, (?<!, \\A, \\b or \\B: keepalived before 2.4.0 writes past its buffer there',
  ],
  [
    "a regular expression that could take in more at its end",
    (s) => (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", regex: "ok+" }] }]),
    'virtualServers[0].checks[0].urls[0].regex: "ok+" could take in more at its end, and is not found by keepalived where the answer ends there; say what it must have at least (ok for ok+, done for done.*)',
  ],
  [
    "the beginning of the body in a regular expression",
    (s) => (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", regex: "^ok" }] }]),
    'virtualServers[0].checks[0].urls[0].regex: "^ok" has ^ or $, which stand for the ends of a line with multiline in regexOptions; without it, keepalived finds ^ only before the header, and $ never',
  ],
  [
    "an HTTP version that keepalived doesn't speak",
    (s) => (s.virtualServers[0].checks = [{ type: "http", httpProtocol: 2 }]),
    "virtualServers[0].checks[0].httpProtocol: 2 is not one of 1.0, 1.0C, 1.1",
  ],
  [
    "a domain name that ends in a dot",
    (s) => (s.virtualServers[0].checks = [{ type: "dns", queryName: "example.com." }]),
    'virtualServers[0].checks[0].queryName: "example.com." is not a domain name whose first label has two characters or more, without a dot at its end',
  ],
  [
    "a domain name that keepalived takes for one with an empty label",
    (s) => (s.virtualServers[0].checks = [{ type: "dns", queryName: "a.example" }]),
    'virtualServers[0].checks[0].queryName: "a.example" is not a domain name whose first label has two characters or more, without a dot at its end',
  ],
  [
    "half a byte",
    (s) => (s.virtualServers[0].checks = [{ type: "udp", payload: "0" }]),
    'virtualServers[0].checks[0].payload: "0" is not bytes as hexadecimal digits, two each',
  ],
  [
    "a range of ports the wrong way round",
    (s) =>
      s.virtualServers.push({
        name: "marked",
        fwmark: 7,
        traffic: [{ address: "192.0.2.101", ports: ["99-80"] }],
      }),
    'virtualServers[1].traffic[0].ports[0]: "99-80" is not a range of ports, the lower first (8000-8099)',
  ],
  [
    "a script's name with a slash",
    (s) => (s.scripts = { "../x": "#!/bin/sh\n" }),
    "scripts.../x: is not a script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most)",
  ],
  [
    "a script without an interpreter",
    (s) => (s.scripts = { "tell.sh": "echo" }),
    'scripts.tell.sh: "echo" does not begin with "#!" and an interpreter\'s path',
  ],
  [
    "arguments longer than a line",
    (s) => {
      s.scripts = { "tell.sh": "#!/bin/sh\n" };
      s.vrrp = { notify: { master: { script: "tell.sh", args: Array(4).fill("x".repeat(200)) } } };
    },
    'vrrp.notify.master.args: ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… is more than keepalived reads on one line (600 characters)',
  ],
  [
    "an argument with a quote",
    (s) => {
      s.scripts = { "tell.sh": "#!/bin/sh\n" };
      s.vrrp = { notify: { master: { script: "tell.sh", args: ["it's"] } } };
    },
    'vrrp.notify.master.args[0]: "it\'s" is not an argument (200 characters at most, without spaces, quotes, braces, #, !, $ and \\)',
  ],
  [
    "a notification that is a number",
    (s) => (s.vrrp = { notify: { master: 5 } }),
    "vrrp.notify.master: 5 is neither a script's name nor { script, args?, user? }",
  ],
  [
    "a tracked file that is a folder",
    (s) => (s.tracking = { files: [{ name: "load", file: "/run/" }] }),
    'tracking.files[0].file: "/run/" is not a file\'s absolute path of letters, digits and . _ @ + - (255 characters at most)',
  ],
  [
    "a mail server by name",
    (s) =>
      (s.email = {
        to: ["ops@example.com"],
        from: "lvs@example.com",
        smtpServer: "mail.example.com",
      }),
    'email.smtpServer: "mail.example.com" is not an IP address',
  ],
  [
    "mail from nowhere",
    (s) => (s.email = { to: ["ops"], from: "lvs@example.com", smtpServer: "192.0.2.25" }),
    'email.to[0]: "ops" is not a mail address',
  ],
  [
    "a sync group of one instance",
    (s) => (s.vrrp = { syncGroups: [{ name: "VG_1", instances: ["VI_1"] }] }),
    'vrrp.syncGroups[0].instances: ["VI_1"] has fewer than two instances: a group of one says nothing',
  ],
  [
    "a sync daemon's group of one host",
    (s) => (s.vrrp = { syncDaemon: { group: "192.0.2.1" } }),
    'vrrp.syncDaemon.group: "192.0.2.1" is not a multicast address',
  ],
  [
    "adverts to a group of one host",
    (s) => (s.vrrp = { unicast: false, multicastGroup: "192.0.2.1" }),
    'vrrp.multicastGroup: "192.0.2.1" is not a multicast address (of IPv6, of the link\'s scope: ff02::12)',
  ],
  [
    "adverts to an IPv6 group beyond the link",
    (s) => (s.vrrp = { unicast: false, multicastGroup: "ff05::12" }),
    'vrrp.multicastGroup: "ff05::12" is not a multicast address (of IPv6, of the link\'s scope: ff02::12)',
  ],
  [
    "a second between two ARPs",
    (s) => (s.vrrp = { garp: { intervalSeconds: 1 } }),
    "vrrp.garp.intervalSeconds: 1 is not a number of seconds (0.000001–0.999999, in steps of 0.000001)",
  ],
  [
    "a time between two ARPs for one instance",
    (s) =>
      (s.vrrp = {
        instances: [{ name: "VI_1", virtualRouterId: 51, garp: { intervalSeconds: 0.1 } }],
      }),
    "vrrp.instances[0].garp.intervalSeconds: unknown key; it is a key elsewhere: vrrp.garp.intervalSeconds; known here: masterDelaySeconds, masterRepeat, masterRefreshSeconds, masterRefreshRepeat, lowerPrioDelaySeconds, lowerPrioRepeat",
  ],
  [
    "an instance's script for a sync group",
    (s) => {
      s.scripts = { "tell.sh": "#!/bin/sh\n" };
      s.vrrp = {
        instances: [instance(1), instance(2)],
        syncGroups: [
          { name: "VG_1", instances: ["VI_1", "VI_2"], notify: { masterRxLowerPri: "tell.sh" } },
        ],
      };
    },
    "vrrp.syncGroups[0].notify.masterRxLowerPri: unknown key; it is a key elsewhere: vrrp.notify.masterRxLowerPri, vrrp.instances[].notify.masterRxLowerPri; known here: master, backup, fault, stop, any, priorityChanges",
  ],
  [
    "a FIFO where anybody can put a file before",
    (s) => (s.daemon = { notifyFifo: { path: "/tmp/keepalived.fifo" } }),
    'daemon.notifyFifo.path: "/tmp/keepalived.fifo" is in a folder that everybody may write to; /run is not',
  ],
  [
    "a script for the FIFO of both processes",
    (s) => {
      s.scripts = { "tell.sh": "#!/bin/sh\n" };
      s.daemon = { notifyFifo: { path: "/run/keepalived.fifo", script: "tell.sh" } };
    },
    "daemon.notifyFifo.script: unknown key; known here: path",
  ],
  [
    "a startup script that may take half an hour",
    (s) => {
      s.scripts = { "up.sh": "#!/bin/sh\n" };
      s.daemon = { startupScript: { script: "up.sh", timeoutSeconds: 1800 } };
    },
    "daemon.startupScript.timeoutSeconds: 1800 is not a number of seconds (1–60)",
  ],
  [
    "a process for no CPU",
    (s) => (s.daemon = { vrrpCpuAffinity: [] }),
    "daemon.vrrpCpuAffinity: [] is empty: name a CPU, or leave the key out for all",
  ],
  [
    "a version of VRRP that doesn't exist",
    (s) => (s.vrrp = { version: 4 }),
    "vrrp.version: 4 is not 2 or 3",
  ],
  [
    "a sysctl's name with an equals sign",
    (s) => (s.kernel = { directorSysctls: { "net.core=x": 1 } }),
    "kernel.directorSysctls.net.core=x: is not a sysctl's name",
  ],
  [
    "a password in plain text",
    (s) => (s.sshPassword = "hunter2"),
    "sshPassword: is in plain text; set it with: pulumi config set --secret lvs-ha:sshPassword",
  ],
  // rules/hosts.ts
  [
    "a name that two hosts have",
    (s) => (s.realServers[0].name = "lvs1"),
    'realServers[0].name: name "lvs1" is taken by directors[0].name; each must be unique',
  ],
  [
    "two directors of one host",
    (s) => (s.directors[1].host = "10.10.0.11"),
    'directors[1].host: "10.10.0.11" is lvs1\'s own address (directors[0].host); each host must have its own',
  ],
  [
    "two directors with one VRRP address",
    (s) => (s.directors[1].vrrpAddress = "192.0.2.11/24"),
    'directors[1].vrrpAddress: "192.0.2.11/24" is lvs1\'s own address (directors[0].vrrpAddress); each host must have its own',
  ],
  [
    "two real servers with one address, in two spellings",
    (s) => {
      s.realServers[0].address6 = "2001:DB8::21";
      s.realServers[1].address6 = "2001:db8:0::21";
    },
    'realServers[1].address6: "2001:db8:0::21" is web1\'s own address (realServers[0].address6); each host must have its own',
  ],
  [
    "a host by its name twice",
    (s) => {
      s.realServers[0].host = "web.example";
      s.realServers[1].host = "WEB.example";
    },
    'realServers[1].host: "WEB.example" is web1\'s own name (realServers[0].host); each host must have its own',
  ],
  [
    "two directors of one login, in two spellings of IPv6",
    (s) => {
      s.directors.forEach((d, i) => (d.syncAddress = `10.10.0.1${i}`));
      s.directors[0].host = "2001:db8::1";
      s.directors[1].host = "2001:DB8:0::1";
    },
    'directors[1].host: "2001:DB8:0::1" is lvs1\'s own address (directors[0].host); each host must have its own',
  ],
  [
    "a director's login that is another's VRRP address",
    (s) => (s.directors[1].host = "192.0.2.11"),
    'directors[1].host: "192.0.2.11" is lvs1\'s own address (directors[0].vrrpAddress); each host must have its own',
  ],
  [
    "two directors with one address of an instance, each its own peer",
    (s) => {
      const own = { vrrpAddress: "192.0.2.50/24" };
      s.vrrp = { instances: [instance(1, { directors: { lvs1: own, lvs2: own } })] };
    },
    'vrrp.instances[0].directors.lvs2.vrrpAddress: "192.0.2.50/24" is lvs1\'s own address (vrrp.instances[0].directors.lvs1.vrrpAddress); each host must have its own',
  ],
  [
    "a director's address of one instance that is another director's of the next",
    (s) => {
      const own = { vrrpAddress: "192.0.2.50/24" };
      s.vrrp = {
        instances: [
          instance(1, { directors: { lvs1: own } }),
          instance(2, { directors: { lvs2: own } }),
        ],
      };
    },
    'vrrp.instances[1].directors.lvs2.vrrpAddress: "192.0.2.50/24" is lvs1\'s own address (vrrp.instances[0].directors.lvs1.vrrpAddress); each host must have its own',
  ],
  [
    "a director's address of an instance that is a virtual address",
    (s) => {
      const own = { vrrpAddress: "192.0.2.100/24" };
      s.vrrp = { instances: [{ name: "VI_1", virtualRouterId: 51, directors: { lvs1: own } }] };
    },
    "virtualServers[0].address: \"192.0.2.100\" is lvs1's own address (vrrp.instances[0].directors.lvs1.vrrpAddress); a virtual address must be nobody's",
  ],
  [
    "two directors with one sync address",
    (s) => {
      s.directors.forEach((d) => (d.syncAddress = "10.10.0.99"));
    },
    'directors[1].syncAddress: "10.10.0.99" is lvs1\'s own address (directors[0].syncAddress); each host must have its own',
  ],
  [
    "two directors with one IPv6 address",
    (s) => {
      s.directors.forEach((d, i) => (d.vrrpAddress6 = `2001:db8:${"0:".repeat(i)}:11/64`));
    },
    'directors[1].vrrpAddress6: "2001:db8:0::11/64" is lvs1\'s own address (directors[0].vrrpAddress6); each host must have its own',
  ],
  [
    "a real server whose address is a director's",
    (s) => (s.directors[1].vrrpAddress = "192.0.2.21/24"),
    "realServers[0].address: \"192.0.2.21\" is lvs2's own address (directors[1].vrrpAddress), and a director forwards what it is sent, round and round; it must be another host's",
  ],
  [
    "a real server whose login is a director's",
    (s) => (s.realServers[0].host = "10.10.0.12"),
    'realServers[0].host: "10.10.0.12" is lvs2\'s own address (directors[1].host); each host must have its own',
  ],
  [
    "a real server whose login is what is forwarded to another",
    (s) => (s.realServers[0].host = "192.0.2.22"),
    'realServers[1].address: "192.0.2.22" is web1\'s own address (realServers[0].host); each host must have its own',
  ],
  [
    "a director that watches itself, and one that does so from another's address",
    (s) => {
      s.tracking = {
        bfd: [
          {
            name: "peer",
            neighbor: { lvs1: "192.0.2.11", lvs2: "192.0.2.1" },
            source: { lvs2: "192.0.2.11" },
          },
        ],
      };
    },
    'tracking.bfd[0].source.lvs2: "192.0.2.11" is lvs1\'s own address (directors[0].vrrpAddress); each host must have its own',
    "tracking.bfd[0].neighbor.lvs1: \"192.0.2.11\" is lvs1's own address (directors[0].vrrpAddress), and a director that watches itself sees no fault; it must be another host's",
  ],
  [
    "a director that watches itself, as all watch the same",
    (s) => {
      s.tracking = { bfd: [{ name: "peer", neighbor: "192.0.2.12" }] };
    },
    "tracking.bfd[0].neighbor: \"192.0.2.12\" is lvs2's own address (directors[1].vrrpAddress), and a director that watches itself sees no fault; it must be another host's",
  ],
  [
    "a director's second IPv6 address",
    (s) => {
      s.directors[0].vrrpAddress = "2001:db8::11/64";
      s.directors[0].vrrpAddress6 = "2001:db8::12/64";
      s.vrrp = { unicast: false };
      s.virtualServers[0].checks = [];
      s.virtualServers[0].address = "192.0.2.100/32";
    },
    'directors[0].vrrpAddress6: "2001:db8::12/64" is a second IPv6 address; it is for a director whose vrrpAddress is IPv4',
  ],
  [
    "a director by name, without its sync address",
    (s) => (s.directors[0].host = "lvs1.example"),
    'directors[0].syncAddress: is missing; host "lvs1.example" is a name, so its address on vrrp.syncInterface must be given',
  ],
  [
    "a real server's second IPv6 address",
    (s) => {
      s.realServers[0].address = "2001:db8::21";
      s.realServers[0].address6 = "2001:db8::22";
      s.virtualServers[0].realServers = ["web2"];
    },
    'realServers[0].address6: "2001:db8::22" is a second IPv6 address; it is for a real server whose address is IPv4',
  ],
  [
    "a real server by name, without what is forwarded to",
    (s) => {
      s.realServers[0].host = "web1.example";
      delete s.realServers[0].address;
      s.virtualServers[0].realServers = ["web2"];
    },
    'realServers[0].address: is missing; host "web1.example" is a name, so the address that is forwarded to must be given',
  ],
  [
    "a real server that is set up but not reached",
    (s) => delete s.realServers[0].host,
    "realServers[0].host: is missing; it must say where SSH reaches the real server, unless managed is false",
  ],
  [
    "a real server's missing host key",
    (s) => delete s.realServers[0].hostKey,
    'realServers[0].hostKey: is missing; it must be the host\'s public key, as ssh-keyscan prints it ("ssh-ed25519 AAAA…")',
  ],
  [
    "a real server that others set up, without an address",
    (s) => {
      s.realServers[0] = { name: "web1", managed: false };
      s.virtualServers[0].realServers = ["web2"];
    },
    "realServers[0].address: is missing; a real server that is not managed needs the address that is forwarded to",
  ],
  [
    "a host in maintenance that doesn't exist",
    (s) => (s.maintenance = ["wbe1"]),
    'maintenance[0]: "wbe1" is no host; did you mean web1? known: lvs1, lvs2, web1, web2',
  ],
  [
    "a host in maintenance twice",
    (s) => (s.maintenance = ["web1", "web1"]),
    'maintenance[1]: host "web1" is taken by maintenance[0]; each must be unique',
  ],
  [
    "no director left to serve",
    (s) => (s.maintenance = ["lvs1", "lvs2"]),
    "maintenance: names every director; at least one must serve",
  ],
  [
    "a virtual address that is a host's own",
    (s) => (s.virtualServers[0].address = "192.0.2.21"),
    "virtualServers[0].address: \"192.0.2.21\" is web1's own address (realServers[0].address); a virtual address must be nobody's",
  ],
  [
    "a marked address that is a host's own",
    (s) => s.virtualServers.push({ ...marked, traffic: [{ address: "192.0.2.22", ports: [80] }] }),
    "virtualServers[1].traffic[0].address: \"192.0.2.22\" is web2's own address (realServers[1].address); a virtual address must be nobody's",
  ],
  [
    "a further address that is a host's own",
    (s) => (s.vrrp = { virtualAddresses: [{ address: "192.0.2.11/24" }] }),
    "vrrp.virtualAddresses[0].address: \"192.0.2.11/24\" is lvs1's own address (directors[0].vrrpAddress); a virtual address must be nobody's",
  ],
  [
    "an instance's further address that is a host's own",
    (s) =>
      (s.vrrp = {
        instances: [
          { name: "VI_1", virtualRouterId: 51, virtualAddresses: [{ address: "10.10.0.11/24" }] },
        ],
      }),
    "vrrp.instances[0].virtualAddresses[0].address: \"10.10.0.11/24\" is lvs1's own address (directors[0].host); a virtual address must be nobody's",
  ],
  [
    "a director in the pool of its own virtual server",
    (s) => s.realServers.push({ name: "self", managed: false, address: "192.0.2.11" }),
    "realServers[2].address: \"192.0.2.11\" is lvs1's own address (directors[0].vrrpAddress), and a director forwards what it is sent, round and round; it must be another host's",
  ],
  [
    "a director in a pool by its address on an instance's interface, on the sync interface, or of IPv6",
    (s) => {
      s.vrrp = {
        instances: [instance(1, { directors: { lvs2: { vrrpAddress: "192.0.2.112/24" } } })],
      };
      s.directors[0].syncAddress = "10.10.0.111";
      s.directors[1].vrrpAddress6 = "2001:db8::12/64";
      s.virtualServers[0].realServers = ["web2"];
      s.realServers.push(
        { name: "a", managed: false, address: "192.0.2.112" },
        { name: "b", managed: false, host: "10.10.0.111" },
        { name: "c", managed: false, address: "192.0.2.25", address6: "2001:DB8::12" },
      );
    },
    "realServers[2].address: \"192.0.2.112\" is lvs2's own address (vrrp.instances[0].directors.lvs2.vrrpAddress), and a director forwards what it is sent, round and round; it must be another host's",
    "realServers[3].host: \"10.10.0.111\" is lvs1's own address (directors[0].syncAddress), and a director forwards what it is sent, round and round; it must be another host's",
    "realServers[4].address6: \"2001:DB8::12\" is lvs2's own address (directors[1].vrrpAddress6), and a director forwards what it is sent, round and round; it must be another host's",
  ],
  [
    "a director as a sorry server",
    (s) => (s.virtualServers[0].sorryServer = { address: "192.0.2.12", port: 80 }),
    "virtualServers[0].sorryServer.address: \"192.0.2.12\" is lvs2's own address (directors[1].vrrpAddress), and a director forwards what it is sent, round and round; it must be another host's",
  ],
  [
    "directors in two networks, which is no fault of the virtual address",
    (s) => (s.directors[1].vrrpAddress = "192.0.3.12/24"),
    'directors[1].vrrpAddress: "192.0.3.12/24" is in another network than directors[0].vrrpAddress ("192.0.2.11/24"); the directors of VI_1 must share one, prefix and all',
  ],
  [
    "directors in two networks, though the virtual address has a prefix of its own",
    (s) => {
      s.directors[1].vrrpAddress = "192.0.3.12/24";
      s.virtualServers[0].address = "192.0.2.100/32";
    },
    'directors[1].vrrpAddress: "192.0.3.12/24" is in another network than directors[0].vrrpAddress ("192.0.2.11/24"); the directors of VI_1 must share one, prefix and all',
  ],
  [
    "a director whose prefix leaves the other one out",
    (s) => (s.directors[1].vrrpAddress = "192.0.2.130/25"),
    'directors[1].vrrpAddress: "192.0.2.130/25" is in another network than directors[0].vrrpAddress ("192.0.2.11/24"); the directors of VI_1 must share one, prefix and all',
  ],
  [
    "directors in two networks of IPv6",
    (s) => {
      s.directors[0].vrrpAddress6 = "2001:db8:1::11/64";
      s.directors[1].vrrpAddress6 = "2001:db8:2::12/64";
      s.vrrp = { virtualAddresses: [{ address: "2001:db8:1::100" }] };
    },
    'directors[1].vrrpAddress6: "2001:db8:2::12/64" is in another network than directors[0].vrrpAddress6 ("2001:db8:1::11/64"); the directors of VI_1 must share one, prefix and all',
  ],
  [
    "directors in two networks of one instance",
    (s) =>
      (s.vrrp = {
        instances: [
          instance(1),
          instance(2, { directors: { lvs1: { vrrpAddress: "198.51.100.11/24" } } }),
        ],
      }),
    'directors[1].vrrpAddress: "192.0.2.12/24" is in another network than vrrp.instances[1].directors.lvs1.vrrpAddress ("198.51.100.11/24"); the directors of VI_2 must share one, prefix and all',
  ],
  [
    "real servers that would answer ARP for the virtual addresses",
    (s) =>
      (s.kernel = {
        realServerSysctls: {
          "net.ipv4.conf.all.arp_ignore": 0,
          "net/ipv4/conf/lo/arp_announce": 1,
          "net.ipv4.conf.eth1.arp_ignore": 2,
          "net.ipv4.conf.lo.arp_ignore": 1,
        },
      }),
    'kernel.realServerSysctls.net.ipv4.conf.all.arp_ignore: "0" lets the real servers answer ARP for the virtual addresses, which is the active director\'s to do; it must be 1',
    'kernel.realServerSysctls.net/ipv4/conf/lo/arp_announce: "1" lets the real servers answer ARP for the virtual addresses, which is the active director\'s to do; it must be 2',
  ],
  // rules/services.ts
  [
    "a name that two virtual servers have",
    (s) => s.virtualServers.push({ ...again, name: "web" }),
    'virtualServers[1].name: name "web" is taken by virtualServers[0].name; each must be unique',
  ],
  [
    "a virtual server without an address",
    (s) => delete s.virtualServers[0].address,
    "virtualServers[0].address: is missing; it must be an IP address, unless fwmark is set",
  ],
  [
    "a virtual server without a port",
    (s) => delete s.virtualServers[0].port,
    "virtualServers[0].port: is missing; it must be a port (1–65535), unless fwmark is set",
  ],
  [
    "marked traffic without a mark",
    (s) => (s.virtualServers[0].traffic = [{ address: "192.0.2.101" }]),
    "virtualServers[0].traffic: is there, but no fwmark to mark it with (1–65535)",
  ],
  [
    "an address beside a mark",
    (s) => s.virtualServers.push({ ...marked, address: "192.0.2.102" }),
    'virtualServers[1].address: "192.0.2.102" says where clients connect, and fwmark does so, too; move it to traffic',
  ],
  [
    "a port beside a mark",
    (s) => s.virtualServers.push({ ...marked, port: 443 }),
    "virtualServers[1].port: 443 belongs to an address; with fwmark, ports are in traffic",
  ],
  [
    "a protocol beside a mark",
    (s) => s.virtualServers.push({ ...marked, protocol: "UDP" }),
    'virtualServers[1].protocol: "UDP" belongs to an address; with fwmark, protocols are in traffic',
  ],
  [
    "a mark without traffic",
    (s) => s.virtualServers.push({ name: "marked", fwmark: 7, checks: [] }),
    "virtualServers[1].traffic: is missing; it must say what is marked with 7",
  ],
  [
    "a mark that two virtual servers have",
    (s) =>
      s.virtualServers.push(marked, {
        ...marked,
        name: "other",
        traffic: [{ address: "192.0.2.102", ports: [80] }],
      }),
    "virtualServers[2].fwmark: firewall mark 7 is taken by virtualServers[1].fwmark; each must be unique",
  ],
  [
    "an address, port and protocol that two virtual servers have",
    (s) => s.virtualServers.push({ ...again, address: "192.0.2.100" }),
    'virtualServers[1]: "192.0.2.100 80 TCP" is also "192.0.2.100 80 TCP" of virtualServers[0]; a packet must be for one service only',
  ],
  [
    "traffic that two virtual servers have",
    (s) => s.virtualServers.push({ ...marked, traffic: [{ address: "192.0.2.100", ports: [80] }] }),
    'virtualServers[1].traffic[0]: "192.0.2.100 80 TCP" is also "192.0.2.100 80 TCP" of virtualServers[0]; a packet must be for one service only',
  ],
  [
    "a range of marked ports that a virtual server's port is in",
    (s) =>
      s.virtualServers.push({ ...marked, traffic: [{ address: "192.0.2.100", ports: ["1-80"] }] }),
    'virtualServers[1].traffic[0]: "192.0.2.100 1-80 TCP" is also "192.0.2.100 80 TCP" of virtualServers[0]; a packet must be for one service only',
  ],
  [
    "all ports marked of a virtual server's address",
    (s) => {
      s.virtualServers.unshift({ ...marked, checks: [], traffic: [{ address: "192.0.2.100" }] });
    },
    'virtualServers[1]: "192.0.2.100 80 TCP" is also "192.0.2.100 any port TCP" of virtualServers[0].traffic[0]; a packet must be for one service only',
  ],
  [
    "two marked ranges of ports that overlap",
    (s) => {
      const traffic = (ports: string) => [{ address: "192.0.2.101", ports: [ports] }];
      s.virtualServers.push(
        { ...marked, traffic: traffic("8000-8099") },
        { ...marked, name: "other", fwmark: 8, traffic: traffic("8050-8150") },
      );
    },
    'virtualServers[2].traffic[0]: "192.0.2.101 8050-8150 TCP" is also "192.0.2.101 8000-8099 TCP" of virtualServers[1].traffic[0]; a packet must be for one service only',
  ],
  [
    "traffic of both families",
    (s) =>
      s.virtualServers.push({
        ...marked,
        traffic: [...marked.traffic, { address: "2001:db8::1/128" }],
      }),
    "virtualServers[1].traffic: mixes IPv4 and IPv6; a service is of one family, so make two",
  ],
  [
    "an address with two prefixes",
    (s) => s.virtualServers.push({ ...again, address: "192.0.2.100/32", port: 443 }),
    'virtualServers[1].address: "192.0.2.100/32" has the prefix 32, and an earlier virtual server gives the same address none; write it alike',
  ],
  [
    "an address outside the directors' networks without a prefix",
    (s) => (s.virtualServers[0].address = "198.51.100.7"),
    'virtualServers[0].address: "198.51.100.7" is outside the directors\' networks (192.0.2.11/24, 192.0.2.12/24); give it its own prefix ("198.51.100.7/32") if it is routed or a portable subnet',
  ],
  [
    "an IPv6 address where the directors have none",
    (s) => {
      s.virtualServers[0].address = "2001:db8::1";
      s.virtualServers[0].realServers = ["web1"];
      s.realServers[0].address6 = "2001:db8::21";
      s.vrrp = { unicast: false };
    },
    'virtualServers[0].address: "2001:db8::1" is outside the directors\' networks (none of its family); give it its own prefix ("2001:db8::1/128") if it is routed or a portable subnet',
  ],
  [
    "a real server that doesn't exist",
    (s) => (s.virtualServers[0].realServers = ["wbe1"]),
    'virtualServers[0].realServers[0].name: "wbe1" is no real server; did you mean web1? known: web1, web2',
  ],
  [
    "a real server twice",
    (s) => (s.virtualServers[0].realServers = ["web1", { name: "web1", upperThreshold: 2 }]),
    'virtualServers[0].realServers[1].name: real server "web1" is taken by virtualServers[0].realServers[0].name; each must be unique',
  ],
  [
    "a real server without an address of the family",
    (s) => {
      s.virtualServers[0].address = "2001:db8::1/128";
      s.vrrp = { unicast: false };
      s.realServers[0].address6 = "2001:db8::21";
    },
    "virtualServers[0]: web is IPv6, and real server web2 has no IPv6 address; give it address6, or name the real servers",
  ],
  [
    "direct routing to another port",
    (s) => (s.virtualServers[0].realServers = [{ name: "web1", port: 8080 }]),
    "virtualServers[0].realServers[0].port: 8080 differs from the virtual server's port 80; DR cannot change ports, so it must be 80",
  ],
  [
    "direct routing to a port of marked traffic",
    (s) => s.virtualServers.push({ ...marked, realServers: [{ name: "web1", port: 80 }] }),
    "virtualServers[1].realServers[0].port: 80 is given, but DR cannot change ports: leave it out where fwmark is set",
  ],
  [
    "weights that are all 0",
    (s) => {
      s.realServers.forEach((r) => (r.weight = 0));
    },
    "virtualServers[0]: every real server of web has weight 0, so it would answer nobody; at least one must be above 0",
  ],
  [
    "a quorum that is never reached",
    (s) => (s.virtualServers[0].quorum = 3),
    "virtualServers[0].quorum: 3 is more than all its real servers weigh together (2), so it could never be reached",
  ],
  [
    "a hysteresis that is not below the quorum",
    (s) => {
      s.virtualServers[0].quorum = 2;
      s.virtualServers[0].hysteresis = 2;
    },
    "virtualServers[0].hysteresis: 2 is not below quorum (2); 0–1 is allowed",
  ],
  [
    "a quorum that is never regained",
    (s) => {
      s.virtualServers[0].quorum = 2;
      s.virtualServers[0].hysteresis = 1;
    },
    "virtualServers[0].hysteresis: 1 with quorum 2 is more than all its real servers weigh together (2), so a quorum that is lost would never be gained again; 0 is allowed",
  ],
  [
    "a quorum that is regained with a smaller hysteresis only",
    (s) => {
      s.realServers[0].weight = 3;
      s.virtualServers[0].quorum = 3;
      s.virtualServers[0].hysteresis = 2;
    },
    "virtualServers[0].hysteresis: 2 with quorum 3 is more than all its real servers weigh together (4), so a quorum that is lost would never be gained again; 0–1 is allowed",
  ],
  [
    "another scheduler's flag",
    (s) => {
      s.virtualServers[0].scheduler = "sh";
      s.virtualServers[0].schedulerFlags = ["mh-port"];
    },
    'virtualServers[0].schedulerFlags[0]: "mh-port" is no flag of the scheduler sh; sh and mh have flags, each its own',
  ],
  [
    "a flag twice",
    (s) => {
      s.virtualServers[0].scheduler = "sh";
      s.virtualServers[0].schedulerFlags = ["sh-port", "sh-port"];
    },
    'virtualServers[0].schedulerFlags[1]: flag "sh-port" is taken by virtualServers[0].schedulerFlags[0]; each must be unique',
  ],
  [
    "one-packet scheduling of TCP",
    (s) => (s.virtualServers[0].onePacketScheduling = true),
    "virtualServers[0].onePacketScheduling: true is for UDP, not for TCP",
  ],
  [
    "one-packet scheduling of marked traffic without UDP",
    (s) => s.virtualServers.push({ ...marked, onePacketScheduling: true }),
    "virtualServers[1].onePacketScheduling: true is for UDP, not for TCP",
  ],
  [
    "a suspended service without an address",
    (s) => s.virtualServers.push({ ...marked, haSuspend: true }),
    "virtualServers[1].haSuspend: true is for an address; which one it is, a fwmark doesn't tell",
  ],
  [
    "keywords that have a key, in each block",
    (s) => {
      s.daemon = { otherKeywords: ["script_user nobody"] };
      s.vrrp = {
        otherKeywords: ["nopreempt"],
        instances: [{ name: "VI_1", virtualRouterId: 51, otherKeywords: ["garp_master_delay 1"] }],
      };
      s.virtualServers[0].otherKeywords = ["lb_algo wrr"];
      s.virtualServers[0].realServers = ["web1", { name: "web2", otherKeywords: ["weight 3"] }];
    },
    'daemon.otherKeywords[0]: "script_user nobody": script_user has a key, daemon.scriptUser',
    'vrrp.otherKeywords[0]: "nopreempt": nopreempt has a key, preempt',
    'vrrp.instances[0].otherKeywords[0]: "garp_master_delay 1": garp_master_delay has a key, garp.masterDelaySeconds',
    'virtualServers[0].otherKeywords[0]: "lb_algo wrr": lb_algo has a key, scheduler',
    'virtualServers[0].realServers[1].otherKeywords[0]: "weight 3": weight has a key, weight',
  ],
  [
    "a keyword that the stack says by itself",
    (s) => (s.virtualServers[0].otherKeywords = ["retry 3", "real_server 192.0.2.9 80"]),
    'virtualServers[0].otherKeywords[1]: "real_server 192.0.2.9 80": real_server is for the stack to say; what this takes are keywords that it has no key for',
  ],
  [
    "a block, a comment and an include among other keywords",
    (s) => (s.daemon = { otherKeywords: ["snmp_socket x {", "# x", "include /etc/passwd"] }),
    ...[0, 1].map(
      (i) =>
        `daemon.otherKeywords[${i}]: "${["snmp_socket x {", "# x"][i]}" is not a keyword of keepalived.conf(5), alone or with words of letters, digits and _ . : , / % + = - behind it`,
    ),
  ],
  [
    "a persistence granularity without persistence",
    (s) => (s.virtualServers[0].persistenceGranularity = 24),
    "virtualServers[0].persistenceGranularity: 24 needs persistenceTimeoutSeconds above 0",
  ],
  [
    "a persistence engine without persistence",
    (s) => {
      s.virtualServers[0].protocol = "UDP";
      s.virtualServers[0].persistenceEngine = "sip";
    },
    'virtualServers[0].persistenceEngine: "sip" needs persistenceTimeoutSeconds above 0',
  ],
  [
    "an IPv6 prefix length of an IPv4 service",
    (s) => {
      s.virtualServers[0].persistenceTimeoutSeconds = 60;
      s.virtualServers[0].persistenceGranularity = 64;
    },
    "virtualServers[0].persistenceGranularity: 64 is not a prefix length of IPv4 (1–32)",
  ],
  [
    "SIP over TCP",
    (s) => {
      s.virtualServers[0].persistenceTimeoutSeconds = 60;
      s.virtualServers[0].persistenceEngine = "sip";
    },
    'virtualServers[0].persistenceEngine: "sip" reads UDP only, not TCP',
  ],
  [
    "SIP of marked traffic without UDP",
    (s) =>
      s.virtualServers.push({ ...marked, persistenceTimeoutSeconds: 60, persistenceEngine: "sip" }),
    'virtualServers[1].persistenceEngine: "sip" reads UDP only, not TCP',
  ],
  [
    "a sorry server of the other family",
    (s) => (s.virtualServers[0].sorryServer = { address: "2001:db8::30", port: 80 }),
    'virtualServers[0].sorryServer.address: "2001:db8::30" is not IPv4, as the virtual server is',
  ],
  [
    "a sorry server that is a real server",
    (s) => (s.virtualServers[0].sorryServer = { address: "192.0.2.21", port: 80 }),
    'virtualServers[0].sorryServer.address: "192.0.2.21" is one of its real servers; a sorry server stands in for all of them',
  ],
  [
    "a sorry server that is a real server with another inhibitOnFailure",
    (s) => {
      s.virtualServers[0].forwarding = "NAT";
      s.virtualServers[0].realServers = [
        { name: "web1", inhibitOnFailure: true, port: 81 },
        { name: "web2", inhibitOnFailure: true },
      ];
      s.virtualServers[0].sorryServer = { address: "192.0.2.22", port: 80 };
    },
    "virtualServers[0].sorryServer.inhibitOnFailure: is false, and its real server web2 is the same server, for which it is true; both must be alike",
  ],
  [
    "a sorry server at a virtual address",
    (s) => {
      s.virtualServers[0].sorryServer = { address: "192.0.2.101", port: 80 };
      s.virtualServers.push(again);
    },
    'virtualServers[0].sorryServer.address: "192.0.2.101" is a virtual address of the stack (virtualServers[1].address), which is the director itself; a sorry server needs an address of its own',
  ],
  [
    "a sorry server without a port",
    (s) => (s.virtualServers[0].sorryServer = { address: "192.0.2.30" }),
    "virtualServers[0].sorryServer.port: is missing; it must be a port (1–65535)",
  ],
  [
    "a sorry server on another port",
    (s) => (s.virtualServers[0].sorryServer = { address: "192.0.2.30", port: 81 }),
    "virtualServers[0].sorryServer.port: 81 is not the virtual server's; DR cannot change ports, so it must be 80",
  ],
  [
    "a port of a sorry server for marked traffic",
    (s) => s.virtualServers.push({ ...marked, sorryServer: { address: "192.0.2.30", port: 80 } }),
    "virtualServers[1].sorryServer.port: 80 is not the virtual server's; DR cannot change ports, so leave it out",
  ],
  [
    "a lower threshold above the upper one",
    (s) =>
      (s.virtualServers[0].realServers = [
        { name: "web1", upperThreshold: 10, lowerThreshold: 11 },
      ]),
    "virtualServers[0].realServers[0].lowerThreshold: 11 is above upperThreshold (10)",
  ],
  [
    "direct routing to a real server on another segment, where the directors have one",
    (s) => {
      onOneInterface(s);
      s.realServers[0].address = "203.0.113.21";
    },
    'realServers[0].address: "203.0.113.21" is outside the networks of lvs1 (192.0.2.11/24), and DR reaches the directors\' own segment only; its forwarding must be TUN or NAT',
  ],
  [
    "direct routing to a sorry server and an IPv6 real server on another segment",
    (s) => {
      onOneInterface(s);
      s.directors.forEach((each, i) => (each.vrrpAddress6 = `2001:db8::1${i}/64`));
      s.realServers.push({
        name: "web6",
        managed: false,
        address: "192.0.2.26",
        address6: "2001:db8:1::26",
      });
      s.virtualServers.push({
        ...again,
        name: "six",
        address: "2001:db8::100",
        realServers: ["web6"],
      });
      s.virtualServers[0].sorryServer = { address: "198.51.100.9", port: 80 };
    },
    'virtualServers[0].sorryServer.address: "198.51.100.9" is outside the networks of lvs1 (192.0.2.11/24, 2001:db8::10/64), and DR reaches the directors\' own segment only; its forwarding must be TUN or NAT',
    'realServers[2].address6: "2001:db8:1::26" is outside the networks of lvs1 (192.0.2.11/24, 2001:db8::10/64), and DR reaches the directors\' own segment only; its forwarding must be TUN or NAT',
  ],
  // rules/checks.ts
  [
    "a BFD session that a real server's checks name twice",
    (s) => {
      s.tracking = { bfd: [{ name: "up", neighbor: "192.0.2.1" }] };
      s.virtualServers[0].checks = [
        { type: "bfd", session: "up" },
        { type: "bfd", session: "up" },
      ];
    },
    'virtualServers[0].checks[1].session: BFD session "up" is taken by virtualServers[0].checks[0].session; each must be unique',
  ],
  [
    "a comment in an extended regex",
    (s) =>
      (s.virtualServers[0].checks = [
        { type: "http", urls: [{ path: "/", regex: "(ok#)", regexOptions: ["extended"] }] },
      ]),
    'virtualServers[0].checks[0].urls[0].regex: "(ok#)" has # or a space before a quantifier, which the option extended takes for something else; write \\x23 or \\x20',
  ],
  [
    "a regex's option without a regex",
    (s) =>
      (s.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", regexNoMatch: true }] }]),
    "virtualServers[0].checks[0].urls[0].regexNoMatch: true needs regex",
  ],
  [
    "a regex's stack without a regex",
    (s) =>
      (s.virtualServers[0].checks = [
        { type: "http", urls: [{ path: "/", regexStack: { startBytes: 1, maxBytes: 2 } }] },
      ]),
    'virtualServers[0].checks[0].urls[0].regexStack: {"startBytes":1,"maxBytes":2} needs regex',
  ],
  [
    "a regex's stack that begins above its end",
    (s) =>
      (s.virtualServers[0].checks = [
        {
          type: "http",
          urls: [{ path: "/", regex: "ok", regexStack: { startBytes: 65536, maxBytes: 32768 } }],
        },
      ]),
    "virtualServers[0].checks[0].urls[0].regexStack.startBytes: 65536 is above maxBytes (32768)",
  ],
  [
    "a reply's least length above its greatest",
    (s) => {
      s.virtualServers[0].protocol = "UDP";
      s.virtualServers[0].checks = [{ type: "udp", requireReply: true, minReplyLength: 300 }];
    },
    "virtualServers[0].checks[0].minReplyLength: 300 is above maxReplyLength (255, keepalived's own)",
  ],
  [
    "a length of a reply that isn't asked for",
    (s) => {
      s.virtualServers[0].protocol = "UDP";
      s.virtualServers[0].checks = [{ type: "udp", maxReplyLength: 300 }];
    },
    "virtualServers[0].checks[0].requireReply: false, but a reply's length is given; set it to true",
  ],
  [
    "a check of an address of the other family",
    (s) => (s.virtualServers[0].checks = [{ type: "tcp", address: "2001:db8::21" }]),
    'virtualServers[0].checks[0].address: "2001:db8::21" is not of the virtual server\'s family',
  ],
  [
    "a check through the virtual address to another",
    (s) =>
      (s.virtualServers[0].checks = [
        { type: "tcp", throughVirtualAddress: true, address: "192.0.2.30" },
      ]),
    "virtualServers[0].checks[0].throughVirtualAddress: true says where the check goes, and address does so, too",
  ],
  [
    "a check through the virtual address by an interface",
    (s) =>
      (s.virtualServers[0].checks = [
        { type: "tcp", throughVirtualAddress: true, bindInterface: "eth0" },
      ]),
    "virtualServers[0].checks[0].throughVirtualAddress: true says where the check goes, and bindInterface does so, too",
  ],
  [
    "a check through the virtual address behind NAT",
    (s) => {
      s.virtualServers[0].forwarding = "NAT";
      s.virtualServers[0].checks = [{ type: "tcp", throughVirtualAddress: true }];
    },
    "virtualServers[0].checks[0].throughVirtualAddress: true is for DR and TUN; behind NAT, no real server has the virtual address",
  ],
  [
    "a check through an IPv6 address from directors without one",
    (s) => {
      s.virtualServers[0].address = "2001:db8::1/128";
      s.vrrp = { unicast: false };
      s.realServers[0].address6 = "2001:db8::21";
      s.realServers[1].address6 = "2001:db8::22";
      s.virtualServers[0].checks = [{ type: "tcp", throughVirtualAddress: true }];
    },
    "virtualServers[0].checks[0].throughVirtualAddress: true needs an address of the same family of every director to come from: give lvs1, lvs2 vrrpAddress6",
  ],
  [
    "a check without a port of traffic of all ports",
    (s) => s.virtualServers.push({ ...marked, traffic: [{ address: "192.0.2.101" }] }),
    "virtualServers[1].checks: a check of type tcp needs a port, and marked marks all ports; set the check's port",
  ],
  [
    "a TCP check of a UDP service",
    (s) => {
      s.virtualServers[0].protocol = "UDP";
      s.virtualServers[0].checks = [{ type: "tcp" }];
    },
    'virtualServers[0].checks[0].type: "tcp" of a UDP service would take every real server out; set the check\'s port to a TCP port that tells its health',
  ],
  [
    "a TCP check of marked traffic without TCP",
    (s) =>
      s.virtualServers.push({
        ...marked,
        traffic: [{ address: "192.0.2.101", ports: [80], protocol: "UDP" }],
        checks: [{ type: "http" }],
      }),
    'virtualServers[1].checks[0].type: "http" of a UDP service would take every real server out; set the check\'s port to a TCP port that tells its health',
  ],
  [
    "a real server's own TCP check of a UDP service",
    (s) => {
      s.virtualServers[0].protocol = "UDP";
      s.virtualServers[0].realServers = [{ name: "web1", checks: [{ type: "smtp" }] }];
    },
    'virtualServers[0].realServers[0].checks[0].type: "smtp" of a UDP service would take every real server out; set the check\'s port to a TCP port that tells its health',
  ],
  [
    "a check of a link-local address that doesn't say by which interface",
    (s) => {
      s.realServers[0].address6 = "fe80::21";
      s.virtualServers[0] = {
        name: "web",
        address: "2001:db8::100/128",
        port: 80,
        realServers: ["web1"],
        checks: [{ type: "tcp" }],
      };
      s.directors.forEach((d, i) => (d.vrrpAddress6 = `2001:db8:1::1${i}/64`));
    },
    'realServers[0].address6: "fe80::21" is link-local, and IPVS forwards to no such address; it must be one of a network\'s',
    'virtualServers[0].checks: the check of type tcp asks "fe80::21" of web1, which is link-local, and doesn\'t say by which interface; set bindInterface, or another address',
  ],
  // rules/vrrp.ts
  [
    "a name that two instances have",
    (s) =>
      (s.vrrp = {
        instances: [
          { name: "VI_1", virtualRouterId: 51 },
          { name: "VI_1", virtualRouterId: 52, virtualAddresses: [{ address: "192.0.2.102/32" }] },
        ],
      }),
    'vrrp.instances[1].name: name "VI_1" is taken by vrrp.instances[0].name; each must be unique',
    'vrrp.instances[1]: address "192.0.2.100" is taken by vrrp.instances[0]; each must be unique',
  ],
  [
    "a name that two sync groups have",
    (s) => {
      s.vrrp = {
        instances: [1, 2, 3, 4].map((i) => instance(i)),
        syncGroups: [
          { name: "VG_1", instances: ["VI_1", "VI_2"] },
          { name: "VG_1", instances: ["VI_3", "VI_4"] },
        ],
      };
    },
    'vrrp.syncGroups[1].name: name "VG_1" is taken by vrrp.syncGroups[0].name; each must be unique',
  ],
  [
    "an instance that doesn't exist",
    (s) => (s.virtualServers[0].vrrpInstance = "VI_2"),
    'virtualServers[0].vrrpInstance: "VI_2" is no VRRP instance; did you mean VI_1? known: VI_1',
  ],
  [
    "an instance's director that doesn't exist",
    (s) =>
      (s.vrrp = {
        instances: [{ name: "VI_1", virtualRouterId: 51, directors: { lvs3: { priority: 99 } } }],
      }),
    'vrrp.instances[0].directors: "lvs3" is no director; did you mean lvs1? known: lvs1, lvs2',
  ],
  [
    "a virtual router id that two instances have",
    (s) =>
      (s.vrrp = {
        instances: [
          { name: "VI_1", virtualRouterId: 51 },
          { name: "VI_2", virtualRouterId: 51, virtualAddresses: [{ address: "192.0.2.102/32" }] },
        ],
      }),
    'vrrp.instances[1].virtualRouterId: virtual router id "51 on eth1 (inet)" is taken by vrrp.instances[0].virtualRouterId; each must be unique',
  ],
  [
    "an address that two instances carry",
    (s) =>
      (s.vrrp = {
        instances: [
          { name: "VI_1", virtualRouterId: 51 },
          { name: "VI_2", virtualRouterId: 52, virtualAddresses: [{ address: "192.0.2.100" }] },
        ],
      }),
    'vrrp.instances[1]: address "192.0.2.100" is taken by vrrp.instances[0]; each must be unique',
  ],
  [
    "more directors than there are default priorities",
    (s) => {
      const [first] = s.directors;
      for (let i = 2; i < 16; i++) {
        s.directors.push({
          ...first,
          name: `lvs${i + 1}`,
          host: `10.10.0.${i + 100}`,
          vrrpAddress: `192.0.2.${i + 110}/24`,
        });
      }
    },
    "directors[15].priority: is missing; the default is for fifteen directors, so it must be a VRRP priority (1–254)",
  ],
  [
    "equal priorities",
    (s) => {
      s.directors.forEach((d) => (d.priority = 100));
    },
    "directors[1].priority: priority 100 is taken by directors[0].priority; each must be unique",
  ],
  [
    "equal priorities in an instance",
    (s) =>
      (s.vrrp = {
        instances: [{ name: "VI_1", virtualRouterId: 51, directors: { lvs1: { priority: 140 } } }],
      }),
    "vrrp.instances[0].directors.lvs2.priority: priority 140 is taken by vrrp.instances[0].directors.lvs1.priority; each must be unique",
  ],
  [
    "an instance that carries nothing",
    (s) =>
      (s.vrrp = {
        instances: [
          { name: "VI_1", virtualRouterId: 51 },
          { name: "VI_2", virtualRouterId: 52 },
        ],
      }),
    "vrrp.instances[1]: VI_2 carries no virtual address; name it as a virtual server's vrrpInstance, give it virtualAddresses, or remove it",
  ],
  [
    "IPv6 over VRRP version 2",
    (s) => {
      s.vrrp = { version: 2, advertIntervalSeconds: 1 };
      s.virtualServers[0].address = "2001:db8:1::1";
      s.directors.forEach((d, i) => (d.vrrpAddress6 = `2001:db8:1::1${i}/64`));
      s.realServers.forEach((d, i) => (d.address6 = `2001:db8:1::2${i}`));
    },
    "vrrp.version: 2 knows no IPv6, and VI_1 has IPv6 addresses only; 3 does",
  ],
  [
    "unicast adverts without an IPv6 address",
    (s) => {
      s.virtualServers[0].address = "2001:db8:1::1/128";
      s.realServers.forEach((d, i) => (d.address6 = `2001:db8:1::2${i}`));
    },
    "vrrp.unicast: true needs an IPv6 address of every director for VI_1, which has IPv6 addresses only; give lvs1, lvs2 vrrpAddress6",
  ],
  [
    "unicast adverts without an IPv4 address",
    (s) => {
      s.directors[0].vrrpAddress = "2001:db8:1::11/64";
      s.virtualServers[0].address = "192.0.2.100/32";
    },
    "vrrp.unicast: true needs an IPv4 address of every director for VI_1; give lvs1 an IPv4 vrrpAddress",
  ],
  [
    "a fraction of a second in VRRP version 2",
    (s) => (s.vrrp = { version: 2, advertIntervalSeconds: 0.5 }),
    "vrrp.advertIntervalSeconds: 0.5 is not whole; VRRP version 2 knows whole seconds only (1–255)",
  ],
  [
    "an interval longer than VRRP version 3 can say",
    (s) => (s.vrrp = { advertIntervalSeconds: 41 }),
    "vrrp.advertIntervalSeconds: 41 is more than VRRP version 3 can say (0.01–40.95)",
  ],
  [
    "an interval finer than VRRP version 3 can say",
    (s) => (s.vrrp = { advertIntervalSeconds: 0.125 }),
    "vrrp.advertIntervalSeconds: 0.125 is not in steps of 0.01, the unit of VRRP version 3 (RFC 5798)",
  ],
  [
    "an interval that every instance takes from vrrp",
    (s) => (s.vrrp = { advertIntervalSeconds: 41, instances: [instance(1), instance(2)] }),
    "vrrp.advertIntervalSeconds: 41 is more than VRRP version 3 can say (0.01–40.95)",
  ],
  [
    "a delay of a preemption that doesn't happen",
    (s) => (s.vrrp = { preemptDelaySeconds: 5 }),
    "vrrp.preemptDelaySeconds: 5 says when to take over again, and preempt is false; set it to true",
  ],
  [
    "a multicast group for unicast adverts",
    (s) => (s.vrrp = { multicastGroup: "224.0.0.9" }),
    'vrrp.multicastGroup: "224.0.0.9" is for multicast adverts, and unicast is true; set it to false',
  ],
  [
    "a multicast group of the other family",
    (s) => (s.vrrp = { unicast: false, multicastGroup: "ff02::9" }),
    'vrrp.multicastGroup: "ff02::9" is not of the family of VI_1\'s adverts, IPv4',
  ],
  [
    "a TTL for multicast adverts",
    (s) => (s.vrrp = { unicast: false, unicastTtl: 64 }),
    "vrrp.unicastTtl: 64 is for unicast adverts, and unicast is false",
  ],
  [
    "a check of multicast adverts' sources",
    (s) => (s.vrrp = { checkUnicastSource: true, instances: [instance(1, { unicast: false })] }),
    "vrrp.checkUnicastSource: true is for unicast adverts, and unicast is false",
  ],
  [
    "a delay of an interface that VRRP doesn't use",
    (s) => (s.vrrp = { interfaceDelays: [{ name: "eth2", downSeconds: 0.1 }] }),
    'vrrp.interfaceDelays[0].name: "eth2" is no interface of VRRP; did you mean eth1? known: eth1',
  ],
  [
    "two delays of an interface",
    (s) => (s.vrrp = { interfaceDelays: [{ name: "eth1" }, { name: "eth1", downSeconds: 0.1 }] }),
    'vrrp.interfaceDelays[1].name: interface "eth1" is taken by vrrp.interfaceDelays[0].name; each must be unique',
  ],
  [
    "a delay after which another director is active",
    (s) => (s.vrrp = { interfaceDelays: [{ name: "eth1", downSeconds: 0.599 }] }),
    "vrrp.interfaceDelays[0].downSeconds: 0.599 is too long for VI_1 on eth1: the others would take over before it says that it has a fault; it must be 0.598 at most",
  ],
  [
    "delays where a director is missed after one advert",
    (s) =>
      (s.vrrp = {
        downTimerAdverts: 1,
        interfaceDelays: [{ name: "eth1", downSeconds: 0.1, upSeconds: 1 }],
      }),
    "vrrp.interfaceDelays[0].downSeconds: 0.1 is more than VI_1 on eth1 leaves time for, which misses a director after one advert (downTimerAdverts); it must be 0",
    "vrrp.interfaceDelays[0].upSeconds: 1 is more than VI_1 on eth1 leaves time for, which misses a director after one advert (downTimerAdverts); it must be 0",
  ],
  [
    "changes of priority told to nobody",
    (s) => (s.vrrp = { notify: { priorityChanges: true } }),
    "vrrp.notify.priorityChanges: true tells a FIFO, and there is none; set daemon.vrrpNotifyFifo",
  ],
  [
    "an instance's own interface tracked",
    (s) => (s.vrrp = { trackInterfaces: [{ name: "eth1" }] }),
    'vrrp.trackInterfaces[0].name: "eth1" is the instance\'s own interface, which trackPrimaryInterface is for; remove it',
  ],
  [
    "a route of both families",
    (s) =>
      (s.vrrp = { virtualRoutes: [{ to: "2001:db8::/32", via: "192.0.2.1", device: "eth1" }] }),
    "vrrp.virtualRoutes[0]: mixes IPv4 and IPv6",
  ],
  [
    "a route to nowhere",
    (s) => (s.vrrp = { virtualRoutes: [{ to: "default" }] }),
    "vrrp.virtualRoutes[0]: has neither via nor device; it must say where packets go",
  ],
  [
    "a rule for nothing",
    (s) => (s.vrrp = { virtualRules: [{ table: 100, priority: 100 }] }),
    "vrrp.virtualRules[0]: has neither from nor to; it must say which packets it is for",
  ],
  [
    "a rule of both families",
    (s) =>
      (s.vrrp = {
        virtualRules: [{ from: "192.0.2.0/24", to: "2001:db8::/32", table: 100, priority: 100 }],
      }),
    "vrrp.virtualRules[0]: mixes IPv4 and IPv6",
  ],
  [
    "a VMAC interface with another's name",
    (s) => (s.vrrp = { vmac: { interface: "eth0" } }),
    'vrrp.vmac.interface: "eth0" is another interface\'s name; keepalived makes this one itself',
  ],
  [
    "a VMAC interface of two instances",
    (s) => (s.vrrp = { vmac: { interface: "vrrp0" }, instances: [instance(1), instance(2)] }),
    'vrrp.vmac.interface: interface "vrrp0" is taken by vrrp.vmac.interface; each must be unique',
  ],
  [
    "a sync group of an instance that doesn't exist",
    (s) => (s.vrrp = { syncGroups: [{ name: "VG_1", instances: ["VI_1", "VI_2"] }] }),
    'vrrp.syncGroups[0].instances[1]: "VI_2" is no VRRP instance; did you mean VI_1? known: VI_1',
  ],
  [
    "an instance in two sync groups",
    (s) => {
      s.vrrp = {
        instances: [1, 2, 3].map((i) => instance(i)),
        syncGroups: [
          { name: "VG_1", instances: ["VI_1", "VI_2"] },
          { name: "VG_2", instances: ["VI_2", "VI_3"] },
        ],
      };
    },
    'vrrp.syncGroups[1].instances[0]: instance "VI_2" is taken by vrrp.syncGroups[0].instances[1]; each must be unique',
  ],
  [
    "a weight in a sync group",
    (s) => {
      s.vrrp = {
        instances: [instance(1, { trackInterfaces: [{ name: "eth0", weight: -10 }] }), instance(2)],
        syncGroups: [{ name: "VG_1", instances: ["VI_1", "VI_2"] }],
      };
    },
    "vrrp.instances[0].trackInterfaces[0].weight: -10 is ignored in a sync group, whose instances keep together; set it to 0",
  ],
  [
    "a tracked script's own weight in a sync group",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      s.tracking = { scripts: [{ name: "chk", script: "chk.sh", weight: 5 }] };
      s.vrrp = {
        instances: [instance(1, { trackScripts: [{ name: "chk" }] }), instance(2)],
        syncGroups: [{ name: "VG_1", instances: ["VI_1", "VI_2"] }],
      };
    },
    "vrrp.instances[0].trackScripts[0].weight: 5, its own, is ignored in a sync group, whose instances keep together; set it to 0",
  ],
  [
    "a tracked file's own weight, turned, in a sync group",
    (s) => {
      s.tracking = { files: [{ name: "load", file: "/run/load", reverse: true }] };
      s.vrrp = {
        instances: [instance(1, { trackFiles: [{ name: "load" }] }), instance(2)],
        syncGroups: [{ name: "VG_1", instances: ["VI_1", "VI_2"] }],
      };
    },
    "vrrp.instances[0].trackFiles[0].weight: 1, its own, is ignored in a sync group, whose instances keep together; set it to 0",
  ],
  [
    "an interface tracked by an instance and by its sync group",
    (s) => {
      s.vrrp = {
        instances: [instance(1, { trackInterfaces: [{ name: "eth0" }] }), instance(2)],
        syncGroups: [
          { name: "VG_1", instances: ["VI_1", "VI_2"], trackInterfaces: [{ name: "eth0" }] },
        ],
      };
    },
    'vrrp.instances[0].trackInterfaces[0].name: "eth0" is tracked by the sync group VG_1, too; once is enough',
  ],
  [
    "an instance's own interface tracked by its sync group",
    (s) => {
      s.vrrp = {
        instances: [instance(1), instance(2, { interface: "eth2" })],
        syncGroups: [
          { name: "VG_1", instances: ["VI_1", "VI_2"], trackInterfaces: [{ name: "eth2" }] },
        ],
      };
    },
    'vrrp.syncGroups[0].trackInterfaces[0].name: "eth2" is VI_2\'s own interface, which is tracked anyway; remove it',
  ],
  [
    "the interface under an instance's VMAC tracked by its sync group",
    (s) => {
      s.vrrp = {
        trackPrimaryInterface: false,
        instances: [instance(1), instance(2, { interface: "eth2", vmac: {} })],
        syncGroups: [
          { name: "VG_1", instances: ["VI_1", "VI_2"], trackInterfaces: [{ name: "eth2" }] },
        ],
      };
    },
    'vrrp.syncGroups[0].trackInterfaces[0].name: "eth2" is VI_2\'s own interface, which is tracked anyway; remove it',
  ],
  [
    "a BFD session with a director that doesn't exist",
    (s) =>
      (s.tracking = {
        bfd: [{ name: "up", neighbor: "192.0.2.1", source: { lvs3: "192.0.2.11" } }],
      }),
    'tracking.bfd[0].source: "lvs3" is no director; did you mean lvs1? known: lvs1, lvs2',
  ],
  [
    "a BFD session that one director doesn't have",
    (s) => (s.tracking = { bfd: [{ name: "up", neighbor: { lvs1: "192.0.2.1" } }] }),
    "tracking.bfd[0].neighbor: says nothing for lvs2; up is on every director",
  ],
  [
    "a BFD session of both families",
    (s) =>
      (s.tracking = {
        bfd: [{ name: "up", neighbor: "192.0.2.1", source: { lvs1: "2001:db8::11" } }],
      }),
    'tracking.bfd[0].source.lvs1: "2001:db8::11" is not of the family of "192.0.2.1"',
  ],
  [
    "more hops than a BFD packet lives",
    (s) => (s.tracking = { bfd: [{ name: "up", neighbor: "2001:db8::1", maxHops: 65 }] }),
    "tracking.bfd[0].maxHops: 65 is above ttl (64, keepalived's own)",
  ],
  [
    "any number of hops for a BFD packet that doesn't live as long",
    (s) => (s.tracking = { bfd: [{ name: "up", neighbor: "192.0.2.1", ttl: 64, maxHops: -1 }] }),
    "tracking.bfd[0].maxHops: -1 (any number) is above ttl (64)",
  ],
  [
    "a neighbour of two BFD sessions",
    (s) =>
      (s.tracking = {
        bfd: [
          { name: "up", neighbor: "192.0.2.1" },
          { name: "again", neighbor: "192.0.2.1" },
        ],
      }),
    'tracking.bfd[1].neighbor: neighbour of lvs1 "192.0.2.1" is taken by tracking.bfd[0].neighbor; each must be unique',
    'tracking.bfd[1].neighbor: neighbour of lvs2 "192.0.2.1" is taken by tracking.bfd[0].neighbor; each must be unique',
  ],
  [
    "a file's first number that no priority takes",
    (s) =>
      (s.tracking = { files: [{ name: "load", file: "/run/load", weight: 2, initialValue: 128 }] }),
    "tracking.files[0].initialValue: 128 times the weight 2 is not a change of priority (-254–254)",
  ],
  [
    "more processes at least than at most",
    (s) => {
      s.tracking = { processes: [{ name: "nginx", process: "nginx", quorum: 2, quorumMax: 1 }] };
      s.vrrp = { trackProcesses: [{ name: "nginx" }] };
    },
    "tracking.processes[0].quorumMax: 1 is below quorum (2)",
  ],
  [
    "an instance's address of a family that its director lacks",
    (s) =>
      (s.vrrp = {
        instances: [
          {
            name: "VI_1",
            virtualRouterId: 51,
            unicast: false,
            directors: { lvs1: { vrrpAddress: "2001:db8::11/64" } },
          },
        ],
      }),
    'virtualServers[0].address: "192.0.2.100" is outside the directors\' networks (192.0.2.12/24); give it its own prefix ("192.0.2.100/32") if it is routed or a portable subnet',
    'vrrp.instances[0].directors.lvs1.vrrpAddress: "2001:db8::11/64" is of a family that lvs1 has no address of; give it vrrpAddress6',
  ],
  [
    "a sync group whose instances don't agree whether to take over",
    (s) =>
      (s.vrrp = {
        instances: [instance(1, { preempt: true }), instance(2)],
        syncGroups: [{ name: "VG_1", instances: ["VI_1", "VI_2"] }],
      }),
    "vrrp.syncGroups[0].instances: preempt is true for VI_1 and false for VI_2, and a group takes over when all its instances do; give them the same",
  ],
  [
    "a sync group whose instances prefer different directors",
    (s) =>
      (s.vrrp = {
        instances: [
          instance(1),
          instance(2, { directors: { lvs1: { priority: 100 }, lvs2: { priority: 110 } } }),
        ],
        syncGroups: [{ name: "VG_1", instances: ["VI_1", "VI_2"] }],
      }),
    "vrrp.syncGroups[0].instances: by priority, the directors are lvs1, lvs2 for VI_1 and lvs2, lvs1 for VI_2, and a group is on one director; give them the same order",
  ],
  [
    "an instance that drops what its virtual servers' clients send",
    (s) => (s.vrrp = { accept: false }),
    "vrrp.accept: false drops what clients send to web, a virtual server of VI_1; it is for an instance that carries vrrp.virtualAddresses only",
  ],
  // rules/addresses.ts: addresses that no host may have
  [
    "virtual addresses that the network of their own prefix keeps for itself",
    (s) => {
      s.virtualServers.push(
        { ...again, address: "198.51.100.64/26" },
        { ...marked, traffic: [{ address: "198.51.100.191/26", ports: [80] }] },
      );
      s.vrrp = {
        virtualAddresses: [
          { address: "2001:db8:1::/64" },
          ...["203.0.113.0/31", "203.0.113.3/31", "203.0.113.4/32"].map((address) => ({ address })),
          ...["2001:db8:2::/127", "2001:db8:2::2/128"].map((address) => ({ address })),
        ],
      };
    },
    'virtualServers[1].address: "198.51.100.64/26" is the network address of the network that its own prefix makes, which no host can have; by itself it is 198.51.100.64/32',
    'virtualServers[2].traffic[0].address: "198.51.100.191/26" is the broadcast address of the network that its own prefix makes, which no host can have; by itself it is 198.51.100.191/32',
    'vrrp.virtualAddresses[0].address: "2001:db8:1::/64" is the routers\' anycast address of the network that its own prefix makes, which no host can have; by itself it is 2001:db8:1::/128',
  ],
  [
    "addresses that a director's network keeps for itself",
    (s) => {
      s.directors[0].vrrpAddress6 = "2001:db8::11/64";
      s.directors[1].vrrpAddress6 = "2001:db8::12/64";
      s.realServers[0].address6 = "2001:db8::";
      s.virtualServers.push(
        { ...again, address: "192.0.2.255" },
        { ...marked, traffic: [{ address: "192.0.2.0/32", ports: [80] }] },
      );
      s.virtualServers[0].checks = [{ type: "tcp", address: "192.0.2.255" }];
      s.tracking = { bfd: [{ name: "far", neighbor: { lvs1: "192.0.2.1", lvs2: "2001:db8::" } }] };
      s.email = { to: ["a@example.org"], from: "b@example.org", smtpServer: "192.0.2.0" };
      s.vrrp = { virtualRoutes: [{ to: "10.0.0.0/8", via: "192.0.2.0", device: "eth1" }] };
    },
    "realServers[0].address6: \"2001:db8::\" is the routers' anycast address of lvs1's network (2001:db8::11/64, directors[0].vrrpAddress6), which no host can have",
    'virtualServers[1].address: "192.0.2.255" is the broadcast address of lvs1\'s network (192.0.2.11/24, directors[0].vrrpAddress), which no host can have',
    'virtualServers[2].traffic[0].address: "192.0.2.0/32" is the network address of lvs1\'s network (192.0.2.11/24, directors[0].vrrpAddress), which no host can have',
    "tracking.bfd[0].neighbor.lvs2: \"2001:db8::\" is the routers' anycast address of lvs1's network (2001:db8::11/64, directors[0].vrrpAddress6), which no host can have",
    'virtualServers[0].checks[0].address: "192.0.2.255" is the broadcast address of lvs1\'s network (192.0.2.11/24, directors[0].vrrpAddress), which no host can have',
    'vrrp.virtualRoutes[0].via: "192.0.2.0" is the network address of lvs1\'s network (192.0.2.11/24, directors[0].vrrpAddress), which no host can have',
    'email.smtpServer: "192.0.2.0" is the network address of lvs1\'s network (192.0.2.11/24, directors[0].vrrpAddress), which no host can have',
  ],
  [
    "an address that VRRP's adverts tell of",
    (s) => {
      s.realServers[1].address = "169.254.255.52";
      s.virtualServers[0].address = "169.254.255.51/32";
    },
    'realServers[1].address: "169.254.255.52" is of the addresses that VRRP\'s adverts tell of, 169.254.255.0/24 and fe80::5eff:fe00:200/120; it must be another',
    'virtualServers[0].address: "169.254.255.51/32" is of the addresses that VRRP\'s adverts tell of, 169.254.255.0/24 and fe80::5eff:fe00:200/120; it must be another',
  ],
  [
    "a director itself as a real server, where that can't work",
    (s) => {
      s.realServers[0].address = "127.0.0.1";
      s.realServers[1] = { name: "self", managed: false, address: "::1" };
      s.virtualServers[0].realServers = ["web1"];
      s.virtualServers.push({
        name: "six",
        address: "2001:db8::1/128",
        port: 80,
        forwarding: "NAT",
        realServers: ["self"],
        checks: [],
        sorryServer: { address: "fe80::1", port: 80 },
      });
    },
    'realServers[0].address: "127.0.0.1" is the director itself, and no host that the stack sets up as a real server; set managed to false, or give the host\'s own address',
    'realServers[1].address: "::1" is the director itself, which NAT forwards nothing to; its forwarding must be DR',
    'virtualServers[1].sorryServer.address: "fe80::1" is link-local, and IPVS forwards to no such address; it must be one of a network\'s',
  ],
  [
    "a neighbour that is a virtual address",
    (s) => (s.tracking = { bfd: [{ name: "far", neighbor: "192.0.2.100" }] }),
    'tracking.bfd[0].neighbor: "192.0.2.100" is a virtual address of the stack (virtualServers[0].address), so the active director would watch itself; it must be another host\'s own',
  ],
  [
    "two directors, each waiting for the other to begin",
    (s) =>
      (s.tracking = {
        bfd: [{ name: "far", neighbor: { lvs1: "192.0.2.12", lvs2: "192.0.2.11" }, passive: true }],
      }),
    "tracking.bfd[0].passive: true waits for lvs2 to begin, which waits for lvs1; one of two must be active",
  ],
  [
    "directors in one network, each with a prefix of its own",
    (s) => (s.directors[1].vrrpAddress = "192.0.2.12/25"),
    'directors[1].vrrpAddress: "192.0.2.12/25" is in another network than directors[0].vrrpAddress ("192.0.2.11/24"); the directors of VI_1 must share one, prefix and all',
  ],
  [
    "a director by itself that is outside the others' network",
    (s) => {
      s.directors[1].vrrpAddress = "198.51.100.12/32";
      s.virtualServers[0].address = "192.0.2.100/32";
    },
    'directors[1].vrrpAddress: "198.51.100.12/32" is in another network than directors[0].vrrpAddress ("192.0.2.11/24"); the directors of VI_1 must share one, prefix and all',
  ],
  // rules/sysctls.ts
  [
    "directors that don't let the answers of real servers behind NAT through",
    (s) => {
      s.virtualServers[0].forwarding = "NAT";
      s.kernel = {
        directorSysctls: {
          "net.ipv4.ip_forward": 0,
          "net/ipv4/conf/all/forwarding": "0",
          "net.ipv6.conf.all.forwarding": "0",
        },
      };
    },
    'kernel.directorSysctls.net.ipv4.ip_forward: "0" lets no answer of a real server behind NAT through a director; it must be 1',
    'kernel.directorSysctls.net/ipv4/conf/all/forwarding: "0" lets no answer of a real server behind NAT through a director; it must be 1',
  ],
  [
    "the same of IPv6, with IPv6 switched off",
    (s) => {
      s.realServers.forEach((each, i) => (each.address6 = `2001:db8::2${i}`));
      s.virtualServers.push({
        ...again,
        address: "2001:db8::100/128",
        forwarding: "NAT",
        checks: [],
      });
      s.vrrp = { interface: "eth1.20" };
      s.kernel = {
        directorSysctls: {
          "net.ipv6.conf.all.forwarding": "0",
          "net/ipv6/conf/eth1.20/disable_ipv6": "1",
          "net.ipv6.conf.*.disable_ipv6": "1",
        },
        realServerSysctls: { "net.ipv6.conf.lo.disable_ipv6": 1 },
      };
    },
    'kernel.directorSysctls.net.ipv6.conf.all.forwarding: "0" lets no answer of a real server behind NAT through a director; it must be 1',
    'kernel.directorSysctls.net/ipv6/conf/eth1.20/disable_ipv6: "1" switches IPv6 off, and the stack has IPv6 addresses; it must be 0',
    'kernel.directorSysctls.net.ipv6.conf.*.disable_ipv6: "1" switches IPv6 off, and the stack has IPv6 addresses; it must be 0',
    'kernel.realServerSysctls.net.ipv6.conf.lo.disable_ipv6: "1" switches IPv6 off, and the stack has IPv6 addresses; it must be 0',
  ],
  [
    "directors that answer no ARP",
    (s) =>
      (s.kernel = {
        directorSysctls: {
          "net.ipv4.conf.eth1.arp_ignore": "8",
          "net.ipv4.conf.eth0.arp_ignore": "8",
          "net.ipv4.conf.all.arp_ignore": "8",
        },
      }),
    'kernel.directorSysctls.net.ipv4.conf.eth1.arp_ignore: "8" keeps the active director from answering ARP for the virtual addresses; it must be 0, 1, 2, 3, 4, 5, 6, 7',
    'kernel.directorSysctls.net.ipv4.conf.all.arp_ignore: "8" keeps the active director from answering ARP for the virtual addresses; it must be 0, 1, 2, 3, 4, 5, 6, 7',
  ],
  [
    "real servers that answer ARP by a pattern",
    (s) =>
      (s.kernel = {
        realServerSysctls: {
          "net.ipv4.conf.*.arp_ignore": "0",
          "net.ipv4.conf.l*.arp_announce": 0,
        },
      }),
    'kernel.realServerSysctls.net.ipv4.conf.*.arp_ignore: "0" lets the real servers answer ARP for the virtual addresses, which is the active director\'s to do; it must be 1',
    'kernel.realServerSysctls.net.ipv4.conf.l*.arp_announce: "0" lets the real servers answer ARP for the virtual addresses, which is the active director\'s to do; it must be 2',
  ],
  // Interfaces and packages
  [
    "interfaces that lead to no other host",
    (s) => (s.vrrp = { syncInterface: "lo", interface: "lo" }),
    'vrrp.interface: "lo" is the host\'s own loopback, which leads to no other host',
    'vrrp.syncInterface: "lo" is the host\'s own loopback, which leads to no other host',
  ],
  [
    "an interface of VRRP's own by loopback's name",
    (s) => (s.vrrp = { vmac: { interface: "lo" } }),
    'vrrp.vmac.interface: "lo" is another interface\'s name; keepalived makes this one itself',
  ],
  [
    "packages that apt-get would remove, or take for others",
    (s) => (s.packages = ["nmon-", "curl+", "g++"]),
    'packages[0]: "nmon-" is not a package\'s name (without what apt-get would read as an action: - or + at its end)',
    'packages[1]: "curl+" is not a package\'s name (without what apt-get would read as an action: - or + at its end)',
  ],
  // rules/names.ts
  [
    "a name that two tracked files have",
    (s) => {
      s.tracking = {
        files: [
          { name: "load", file: "/run/a" },
          { name: "load", file: "/run/b" },
        ],
      };
      s.vrrp = { trackFiles: [{ name: "load", weight: 0 }] };
    },
    'tracking.files[1].name: name "load" is taken by tracking.files[0].name; each must be unique',
  ],
  [
    "a script that doesn't exist",
    (s) => {
      s.scripts = { "tell.sh": "#!/bin/sh\n" };
      s.virtualServers[0].quorumUp = "tel.sh";
    },
    'virtualServers[0].quorumUp: "tel.sh" is no script of scripts; did you mean tell.sh? known: tell.sh',
  ],
  [
    "a tracked script of none",
    (s) => {
      s.tracking = { scripts: [{ name: "chk", script: "chk.sh" }] };
      s.vrrp = { trackScripts: [{ name: "chk" }] };
    },
    'tracking.scripts[0].script: "chk.sh" is no script of scripts; there is none',
  ],
  [
    "a check by a script that doesn't exist",
    (s) => (s.virtualServers[0].checks = [{ type: "misc", script: "chk.sh" }]),
    'virtualServers[0].checks[0].script: "chk.sh" is no script of scripts; there is none',
  ],
  [
    "a notification by a script that doesn't exist",
    (s) => (s.vrrp = { notify: { master: "tell.sh" } }),
    'vrrp.notify.master: "tell.sh" is no script of scripts; there is none',
  ],
  [
    "a real server's notification by a script that doesn't exist",
    (s) => (s.virtualServers[0].realServers = [{ name: "web1", notifyUp: { script: "tell.sh" } }]),
    'virtualServers[0].realServers[0].notifyUp: "tell.sh" is no script of scripts; there is none',
  ],
  [
    "a startup script that doesn't exist",
    (s) => (s.daemon = { startupScript: "up.sh" }),
    'daemon.startupScript: "up.sh" is no script of scripts; there is none',
  ],
  [
    "a FIFO's script that doesn't exist",
    (s) => (s.daemon = { lvsNotifyFifo: { path: "/run/lvs.fifo", script: "read.sh" } }),
    'daemon.lvsNotifyFifo.script: "read.sh" is no script of scripts; there is none',
  ],
  [
    "a FIFO of two processes",
    (s) =>
      (s.daemon = {
        vrrpNotifyFifo: { path: "/run/lvs.fifo" },
        lvsNotifyFifo: { path: "/run/lvs.fifo" },
      }),
    'daemon.lvsNotifyFifo.path: path "/run/lvs.fifo" is taken by daemon.vrrpNotifyFifo.path; each must be unique',
  ],
  [
    "a CPU twice",
    (s) => (s.daemon = { checkerCpuAffinity: [1, 1] }),
    "daemon.checkerCpuAffinity[1]: CPU 1 is taken by daemon.checkerCpuAffinity[0]; each must be unique",
  ],
  [
    "a check of a file that isn't tracked",
    (s) => (s.virtualServers[0].checks = [{ type: "file", trackFile: "load" }]),
    'virtualServers[0].checks[0].trackFile: "load" is no file of tracking.files; there is none',
  ],
  [
    "a check of a BFD session that doesn't exist",
    (s) => (s.virtualServers[0].checks = [{ type: "bfd", session: "up" }]),
    'virtualServers[0].checks[0].session: "up" is no session of tracking.bfd; there is none',
  ],
  [
    "a tracked thing that doesn't exist",
    (s) => (s.vrrp = { trackProcesses: [{ name: "nginx" }] }),
    'vrrp.trackProcesses[0].name: "nginx" is no name in tracking.processes; there is none',
  ],
  [
    "a thing tracked twice",
    (s) => {
      s.tracking = { files: [{ name: "load", file: "/run/load" }] };
      s.vrrp = { preempt: true, trackFiles: [{ name: "load" }, { name: "load", weight: 2 }] };
    },
    'vrrp.trackFiles[1].name: name "load" is taken by vrrp.trackFiles[0].name; each must be unique',
  ],
  [
    "an interface tracked twice",
    (s) => (s.vrrp = { trackInterfaces: [{ name: "eth0" }, { name: "eth0" }] }),
    'vrrp.trackInterfaces[1].name: interface "eth0" is taken by vrrp.trackInterfaces[0].name; each must be unique',
  ],
  [
    "mail to nobody",
    (s) => (s.vrrp = { smtpAlert: true }),
    "vrrp.smtpAlert: true, but email doesn't say to whom and by which server",
  ],
  [
    "a virtual server's mail to nobody",
    (s) => (s.virtualServers[0].smtpAlert = true),
    "virtualServers[0].smtpAlert: true, but email doesn't say to whom and by which server",
  ],
  // rules/idle.ts
  [
    "weights that move nothing, because the active director keeps the addresses",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      s.tracking = tracked({ weight: -20 });
      s.vrrp = {
        trackInterfaces: [{ name: "eth2", weight: 5 }, { name: "eth3" }],
        trackScripts: [{ name: "chk" }],
        trackProcesses: [{ name: "proc", weight: -1 }],
        trackFiles: [{ name: "load" }],
        trackBfd: [{ name: "far", weight: 0 }],
      };
    },
    "vrrp.trackInterfaces[0].weight: 5 changes a priority, and while preempt is false the active director keeps the addresses at any priority; set preempt to true, or the weight to 0, by which a failure is a fault",
    "vrrp.trackScripts[0].weight: -20 (that of chk itself) changes a priority, and while preempt is false the active director keeps the addresses at any priority; set preempt to true, or the weight to 0, by which a failure is a fault",
    "vrrp.trackProcesses[0].weight: -1 changes a priority, and while preempt is false the active director keeps the addresses at any priority; set preempt to true, or the weight to 0, by which a failure is a fault",
    "vrrp.trackFiles[0].weight: 1 (that of load itself) changes a priority, and while preempt is false the active director keeps the addresses at any priority; set preempt to true, or the weight to 0, by which a failure is a fault",
  ],
  [
    "a weight of a BFD session and of a file that say so themselves, in an instance of its own",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      s.tracking = tracked({ weight: 20 });
      s.vrrp = {
        preempt: true,
        trackScripts: [{ name: "chk", weight: 0 }],
        trackProcesses: [{ name: "proc" }],
        instances: [
          instance(1, { trackBfd: [{ name: "far" }] }),
          instance(2, {
            trackBfd: [{ name: "far" }],
            trackFiles: [{ name: "load", weight: 2 }],
            preempt: false,
          }),
        ],
      };
    },
    "vrrp.instances[1].trackFiles[0].weight: 2 changes a priority, and while preempt is false the active director keeps the addresses at any priority; set preempt to true, or the weight to 0, by which a failure is a fault",
    "vrrp.instances[1].trackBfd[0].weight: 20 (that of far itself) changes a priority, and while preempt is false the active director keeps the addresses at any priority; set preempt to true, or the weight to 0, by which a failure is a fault",
  ],
  [
    "a sync group's weights, of which none of its instances would take over",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      s.tracking = { scripts: [{ name: "chk", script: "chk.sh" }] };
      s.vrrp = {
        instances: [instance(1), instance(2)],
        syncGroups: [
          { name: "VG_1", instances: ["VI_1", "VI_2"], trackScripts: [{ name: "chk", weight: 3 }] },
        ],
      };
    },
    "vrrp.syncGroups[0].trackScripts[0].weight: 3 changes a priority, and while preempt is false the active director keeps the addresses at any priority; set preempt to true, or the weight to 0, by which a failure is a fault",
  ],
  [
    "weights that are too small to move an address, all together",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      s.tracking = tracked({ weight: -4 });
      s.vrrp = {
        preempt: true,
        trackInterfaces: [{ name: "eth2", weight: 2 }, { name: "eth3" }],
        trackScripts: [{ name: "chk" }],
        trackProcesses: [{ name: "proc", weight: 3 }],
        trackFiles: [{ name: "load", weight: 0 }],
        trackBfd: [{ name: "far", weight: 0 }],
      };
    },
    "vrrp.trackInterfaces[0].weight: 2 is too small to move an address: the priority of lvs1 is 146 at the least, and that of lvs2 145 at the most; make it larger, or 0, by which a failure is a fault",
    "vrrp.trackScripts[0].weight: -4 (that of chk itself) is too small to move an address: the priority of lvs1 is 146 at the least, and that of lvs2 145 at the most; make it larger, or 0, by which a failure is a fault",
    "vrrp.trackProcesses[0].weight: 3 is too small to move an address: the priority of lvs1 is 146 at the least, and that of lvs2 145 at the most; make it larger, or 0, by which a failure is a fault",
  ],
  [
    "a weight that is too small in each of two instances, which is said once",
    (s) => {
      s.vrrp = {
        preempt: true,
        trackInterfaces: [{ name: "eth2", weight: -20 }],
        instances: [
          instance(1, { directors: { lvs1: { priority: 10 }, lvs2: { priority: 254 } } }),
          instance(2, { directors: { lvs1: { priority: 22 }, lvs2: { priority: 1 } } }),
        ],
      };
    },
    "vrrp.trackInterfaces[0].weight: -20 is too small to move an address: the priority of lvs2 is 234 at the least, and that of lvs1 10 at the most; make it larger, or 0, by which a failure is a fault",
  ],
  [
    "a sync group's weight that is too small",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      s.tracking = { scripts: [{ name: "chk", script: "chk.sh" }] };
      s.vrrp = {
        preempt: true,
        instances: [instance(1), instance(2)],
        syncGroups: [
          {
            name: "VG_1",
            instances: ["VI_1", "VI_2"],
            trackScripts: [{ name: "chk", weight: -9 }],
          },
        ],
      };
    },
    "vrrp.syncGroups[0].trackScripts[0].weight: -9 is too small to move an address: the priority of lvs1 is 141 at the least, and that of lvs2 140 at the most; make it larger, or 0, by which a failure is a fault",
  ],
  [
    "ARPs a round, without rounds",
    (s) => (s.vrrp = { garp: { masterRefreshRepeat: 2 } }),
    "vrrp.garp.masterRefreshRepeat: 2 is the ARPs of each round while active, and there is no such round; set masterRefreshSeconds",
  ],
  [
    "a second round without a first",
    (s) =>
      (s.vrrp = {
        instances: [instance(1, { garp: { lowerPrioRepeat: 0, lowerPrioDelaySeconds: 5 } })],
      }),
    "vrrp.instances[0].garp.lowerPrioDelaySeconds: 5 is for a second round, and lowerPrioRepeat is 0, so there is none; set it above 0",
  ],
  [
    "a pause between neighbour adverts, and no IPv6 address",
    (s) => {
      s.os = "debian13";
      s.vrrp = { garp: { naIntervalSeconds: 0.01 } };
    },
    "vrrp.garp.naIntervalSeconds: 0.01 is for virtual addresses of IPv6, and there is none",
  ],
  [
    "a virtual router id beside instances, which have their own",
    (s) => (s.vrrp = { virtualRouterId: 60, instances: [instance(1)] }),
    "vrrp.virtualRouterId: 60 is for the one instance that there is without vrrp.instances, each of which has its own",
  ],
  [
    "a Host header for a check that every real server has another one in place of",
    (s) =>
      Object.assign(s.virtualServers[0], {
        virtualHost: "www.example.net",
        checks: [{ type: "http" }],
        realServers: [
          { name: "web1", checks: [{ type: "tcp" }] },
          { name: "web2", checks: [{ type: "tcp" }] },
        ],
      }),
    'virtualServers[0].virtualHost: "www.example.net" is for checks of type http and https, and there is none',
  ],
  [
    "a Host header without an HTTP check",
    (s) => (s.virtualServers[0].virtualHost = "www.example.net"),
    'virtualServers[0].virtualHost: "www.example.net" is for checks of type http and https, and there is none',
  ],
  [
    "what is for checks, without one",
    (s) =>
      Object.assign(s.virtualServers[0], {
        checks: [],
        alpha: true,
        haSuspend: true,
        inhibitOnFailure: true,
      }),
    "virtualServers[0].alpha: true waits for a check to succeed, and there is no check",
    "virtualServers[0].haSuspend: true suspends checks, and there is no check",
    "virtualServers[0].inhibitOnFailure: true is for checks that fail, and there is no check",
  ],
  [
    "the same of one real server",
    (s) =>
      (s.virtualServers[0].realServers = [
        "web2",
        { name: "web1", checks: [], inhibitOnFailure: true },
      ]),
    "virtualServers[0].realServers[1].inhibitOnFailure: true is for checks that fail, and there is no check",
  ],
  [
    "weights for a scheduler that weighs nothing",
    (s) => {
      s.realServers[0].weight = 3;
      s.virtualServers[0].scheduler = "rr";
      s.virtualServers.push({ ...s.virtualServers[0], name: "web6", port: 81, scheduler: "lc" });
    },
    "realServers[0].weight: 3 is for a scheduler that weighs real servers, and rr and lc can't (only 0 counts); set it to 1, or take wrr or wlc",
  ],
  [
    "the same of a real server in maintenance, and of a weight in one place",
    (s) => {
      s.maintenance = ["web1"];
      s.virtualServers[0].scheduler = "dh";
      s.virtualServers[0].realServers = [
        { name: "web1", weight: 5 },
        { name: "web2", weight: 1 },
      ];
      s.virtualServers.push({ name: "other", address: "192.0.2.100", port: 81 });
    },
    "virtualServers[0].realServers[0].weight: 5 is for a scheduler that weighs real servers, and dh can't (only 0 counts); set it to 1, or take wrr or wlc",
  ],
  [
    "a stop or a start that is told to nothing",
    (s) => {
      s.virtualServers[0].omega = true;
      s.daemon = { realServerInitNotifies: true };
    },
    "virtualServers[0].omega: true tells of a stop, and nothing is told: there is neither notifyDown, quorumDown, a FIFO nor email",
    "daemon.realServerInitNotifies: true tells of real servers at the start, and nothing is told: there is neither notifyUp nor a FIFO",
  ],
  [
    "how connections are told, with connection sync off",
    (s) => (s.vrrp = { connectionSync: false, syncDaemon: { port: 9000, ttl: 2 } }),
    "vrrp.syncDaemon.port: 9000 is for connection sync, and connectionSync is false",
    "vrrp.syncDaemon.ttl: 2 is for connection sync, and connectionSync is false",
  ],
  [
    "whom a firewall lets in, without a firewall",
    (s) => {
      s.firewall = {
        backend: "none",
        allowFrom: ["172.16.0.0/12"],
        sshFrom: ["198.51.100.0/24"],
        publicSubnet: "192.0.2.0/24",
      };
      s.metrics = { enabled: true, allowFrom: ["192.0.2.0/24"] };
    },
    'firewall.allowFrom: ["172.16.0.0/12"] is for a firewall that the stack sets up, and backend is none',
    'firewall.sshFrom: ["198.51.100.0/24"] is for a firewall that the stack sets up, and backend is none',
    'firewall.publicSubnet: "192.0.2.0/24" is for a firewall that the stack sets up, and backend is none',
    'metrics.allowFrom: ["192.0.2.0/24"] is for a firewall that the stack sets up, and firewall.backend is none',
  ],
  [
    "who may read metrics that there aren't",
    (s) => (s.metrics = { allowFrom: ["192.0.2.0/24"] }),
    'metrics.allowFrom: ["192.0.2.0/24"] says who may read metrics, and enabled is false, so there are none',
  ],
  [
    "what is tracked nowhere; but a BFD session's neighbour may ask for it, and a file can be there to be written",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      const { files, ...others } = tracked({});
      s.tracking = {
        ...others,
        files: [
          ...files,
          { name: "other", file: "/run/other", initialValue: 5 },
          { name: "third", file: "/run/third" },
        ],
      };
      s.virtualServers[0].checks = [{ type: "file", trackFile: "third" }];
    },
    'tracking.scripts[0].name: "chk" is named in no trackScripts, so that nothing asks for it; name it there, or take it out',
    'tracking.processes[0].name: "proc" is named in no trackProcesses, so that nothing asks for it; name it there, or take it out',
    'tracking.files[0].name: "load" is named in no trackFiles and in no check, so that nothing asks for it; name it there, or take it out',
  ],
  [
    "how no parameters are compared",
    (s) => {
      s.tracking = { processes: [{ name: "proc", process: "nginx", parameterMatch: "partial" }] };
      s.vrrp = { trackProcesses: [{ name: "proc" }] };
    },
    'tracking.processes[0].parameterMatch: "partial" says how parameters are compared, and there are none',
  ],
  [
    "the time between checks that there aren't",
    (s) => Object.assign(s.virtualServers[0], { checks: [], delayLoopSeconds: 30 }),
    "virtualServers[0].delayLoopSeconds: 30 is the time between checks, and there is no check",
  ],
  [
    "the time until a retry that there isn't",
    (s) => (s.virtualServers[0].checks = [{ type: "tcp", retry: 0, delayBeforeRetrySeconds: 7 }]),
    "virtualServers[0].checks[0].delayBeforeRetrySeconds: 7 is the time until a retry, and retry is 0",
  ],
  [
    "a system that is too old",
    (s) => (s.os = "ubuntu2004"),
    'os: "ubuntu2004" is Ubuntu 20.04, which the stack does not support: its keepalived is older than 2.1.5, the oldest that accepts what the stack writes; import its configuration first (lvs import), then reinstall the directors one by one with a system of docs/systems.md',
  ],
  [
    "a system of another family",
    (s) => (s.realServers[1].os = "Rocky Linux 9"),
    'realServers[1].os: "Rocky Linux 9" is Rocky Linux 9, which the stack does not support: it has dnf and firewalld, which the stack does not support yet; import its configuration first (lvs import), then reinstall the directors one by one with a system of docs/systems.md',
  ],
  [
    "a system that nobody knows",
    (s) => (s.os = "plan9"),
    'os: "plan9" is not one of debian11, debian12, debian13, debian14, ubuntu2204, ubuntu2404, ubuntu2604',
  ],
  // rules/systems.ts
  [
    "a scheduler that the kernels of Debian 12 don't have",
    (s) => (s.virtualServers[0].scheduler = "twos"),
    'virtualServers[0].scheduler: "twos" is not available on Debian 12: its kernel, 6.1, is built without it; every director needs it',
  ],
  [
    "one that a single director's system lacks",
    (s) => {
      s.os = "debian13";
      s.directors[1].os = "ubuntu2404";
      s.virtualServers[0].scheduler = "twos";
    },
    'virtualServers[0].scheduler: "twos" is not available on Ubuntu 24.04: it is not known whether its kernel, 6.8, has it; every director needs it',
  ],
  [
    "a firewall that does not know VRRP",
    (s) => (s.os = "debian11"),
    'os: "debian11" does not work with firewall.backend auto: on Debian 11, its ufw, 0.36, does not know VRRP; set firewall.backend to nftables or none',
  ],
  [
    "the same of a single director",
    (s) => {
      s.directors[1].os = "ubuntu2204";
      s.firewall = { backend: "ufw" };
    },
    'directors[1].os: "ubuntu2204" does not work with firewall.backend ufw: on Ubuntu 22.04, its ufw, 0.36.1, does not know VRRP; set firewall.backend to nftables or none',
  ],
  // rules/versions.ts
  [
    "weights of 0 that Debian 11's keepalived makes 1",
    (s) => {
      Object.assign(s, { os: "debian11", firewall: { backend: "nftables" } });
      Object.assign(s, { maintenance: ["web2"] });
      s.realServers.push({ ...s.realServers[1], name: "web3", host: "10.10.0.23", weight: 0 });
      s.realServers[2] = { ...s.realServers[2], address: "192.0.2.23" };
      s.virtualServers[0].realServers = ["web1", { name: "web2", weight: 0 }, "web3"];
      s.virtualServers[0].scheduler = "wrr";
    },
    "realServers[2].weight: 0 needs keepalived 2.2.0 on every director; Debian 11 has 2.1.5",
    "virtualServers[0].realServers[1].weight: 0 needs keepalived 2.2.0 on every director; Debian 11 has 2.1.5",
    'maintenance[0]: "web2", a real server, whose weight is 0 then, needs keepalived 2.2.0 on every director; Debian 11 has 2.1.5',
  ],
  [
    "a VMAC that Debian 11's keepalived drops where adverts are unicast",
    (s) => {
      Object.assign(s, { os: "debian11", firewall: { backend: "nftables" } });
      s.vrrp = { vmac: { interface: "vrrp51" } };
    },
    'vrrp.vmac: {"interface":"vrrp51"}, where unicast is true, needs keepalived 2.2.5 on every director; Debian 11 has 2.1.5',
  ],
  [
    "bytes of a reply that Debian 11's keepalived doesn't look at",
    (s) => {
      Object.assign(s, { os: "debian11", firewall: { backend: "nftables" } });
      s.virtualServers[0].protocol = "UDP";
      s.virtualServers[0].checks = [{ type: "udp", payload: "00ff", requireReply: "00" }];
    },
    'virtualServers[0].checks[0].requireReply: "00" needs keepalived 2.2.0 on every director; Debian 11 has 2.1.5',
    'virtualServers[0].checks[0].payload: "00ff" needs keepalived 2.3.3 on every director; Debian 11 has 2.1.5',
  ],
  [
    "a keyword that Debian 12's keepalived doesn't know",
    (s) => (s.tracking = { bfd: [{ name: "up", neighbor: "192.0.2.1", multihop: true }] }),
    "tracking.bfd[0].multihop: true needs keepalived 2.2.8 on every director; Debian 12 has 2.2.7",
  ],
  [
    "one of a single director's old keepalived",
    (s) => {
      s.os = "debian13";
      s.directors[1].os = "debian12";
      s.virtualServers[0].checks = [{ type: "https", tlsCompliant: true }];
    },
    "virtualServers[0].checks[0].tlsCompliant: true needs keepalived 2.2.8 on every director; Debian 12 has 2.2.7",
  ],
  [
    "a script's interval that Debian 12's keepalived doesn't know",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      s.tracking = { scripts: [{ name: "chk", script: "chk.sh", intervalSeconds: 0.5 }] };
      s.vrrp = { trackScripts: [{ name: "chk" }] };
    },
    "tracking.scripts[0].intervalSeconds: 0.5 needs keepalived 2.3.2 on every director; Debian 12 has 2.2.7",
  ],
  [
    "a script that Debian 12's keepalived runs while it still runs",
    (s) => {
      s.scripts = { "chk.sh": "#!/bin/sh\n" };
      s.tracking = { scripts: [{ name: "chk", script: "chk.sh", timeoutSeconds: 2 }] };
      s.vrrp = { trackScripts: [{ name: "chk" }] };
    },
    "tracking.scripts[0].timeoutSeconds: 2, above intervalSeconds, needs keepalived 2.3.3 on every director; Debian 12 has 2.2.7",
  ],
  [
    "a route without an interface for Debian 12's keepalived",
    (s) => (s.vrrp = { virtualRoutes: [{ to: "default", via: "192.0.2.1" }] }),
    'vrrp.virtualRoutes[0] without device: "default" needs keepalived 2.3.2 on every director; Debian 12 has 2.2.7',
  ],
  [
    "bytes that Debian 12's keepalived misreads",
    (s) => {
      s.virtualServers[0].protocol = "UDP";
      s.virtualServers[0].checks = [{ type: "udp", payload: "00ff" }];
    },
    'virtualServers[0].checks[0].payload: "00ff" needs keepalived 2.3.3 on every director; Debian 12 has 2.2.7',
  ],
  [
    "an interface's delay that Debian 12's keepalived cuts short",
    (s) => (s.vrrp = { interfaceDelays: [{ name: "eth1", upSeconds: 5 }] }),
    "vrrp.interfaceDelays[0].upSeconds: 5, as long as an instance on it takes to miss a director, needs keepalived 2.3.3 on every director; Debian 12 has 2.2.7",
  ],
  [
    "ARPs one after the other, of which Debian 12's keepalived sends fewer",
    (s) => (s.vrrp = { garp: { intervalSeconds: 0.01 } }),
    "vrrp.garp.intervalSeconds: 0.01, with more than one a round (masterRepeat), needs keepalived 2.3.2 on every director; Debian 12 has 2.2.7",
  ],
  [
    "SCTP where ufw is the firewall",
    (s) => {
      s.firewall = { backend: "ufw" };
      s.virtualServers.push(
        { ...again, protocol: "SCTP" },
        { ...marked, traffic: [{ address: "192.0.2.102", protocol: "SCTP" }] },
      );
    },
    'virtualServers[1].protocol: "SCTP" is a protocol that ufw has no word for; firewall.backend must be nftables or none',
    'virtualServers[2].traffic[0].protocol: "SCTP" is a protocol that ufw has no word for; firewall.backend must be nftables or none',
  ],
];
