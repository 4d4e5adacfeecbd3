// Made from components/schema by `npm run docs`: edit that, not this.
import type * as pulumi from "@pulumi/pulumi";

/**
 * What a load balancer is made of: the keys of the stack config, and its secrets. Addresses, host keys, ports, weights and secrets may be
 * Outputs; whatever decides which resources there are is plain.
 */
export interface LvsHaPairArgs {
  /**
   * Default system of the hosts; each may name another.
   * `debian11`, `debian12`, `debian13`, `debian14`, `ubuntu2204`, `ubuntu2404`, `ubuntu2604`.
   * @default debian12
   */
  os?: "debian11" | "debian12" | "debian13" | "debian14" | "ubuntu2204" | "ubuntu2404" | "ubuntu2604";
  /**
   * How to log in.
   */
  ssh?: SshConfig;
  /**
   * The directors, two or more.
   * List of directors, 2 or more.
   */
  directors: DirectorConfig[];
  /**
   * The real servers.
   * List of real servers, 1 or more.
   */
  realServers: RealServerConfig[];
  /**
   * The virtual servers.
   * List of virtual servers, 1 or more.
   */
  virtualServers: VirtualServerConfig[];
  /**
   * VRRP, and what the directors tell each other.
   */
  vrrp?: VrrpConfig;
  /**
   * What `vrrp.track…` and checks name.
   */
  tracking?: TrackingConfig;
  /**
   * Scripts by name, for checks, tracking and notifications: put on every director, owned by root, mode 0755.
   * Object: each key a script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), each value a script's text; refused if it is longer than 256 KiB, or does not begin with "#!" and an interpreter's path, or has a line of the form "==> … <==", or a NUL character.
   * @default {}
   */
  scripts?: Record<string, string>;
  /**
   * The keepalived daemon itself.
   */
  daemon?: DaemonConfig;
  /**
   * Mail at changes that ask for it (`smtpAlert`).
   */
  email?: EmailConfig;
  /**
   * Firewall of directors and real servers.
   */
  firewall?: FirewallConfig;
  /**
   * Kernel settings.
   */
  kernel?: KernelConfig;
  /**
   * Metrics for Prometheus.
   */
  metrics?: MetricsConfig;
  /**
   * How a change goes through the real servers; directors change one at a time.
   */
  rollout?: RolloutConfig;
  /**
   * `pulumi destroy`, and an `up` that takes a virtual server or its whole pool from connected clients or the active director out, are refused; false allows them.
   * `true`, `false`.
   * @default true
   */
  deletionProtection?: boolean;
  /**
   * Unattended upgrades (`apt-daily-upgrade.timer`) come to no two directors in one night; false leaves the timer as the host has it.
   * `true`, `false`.
   * @default true
   */
  staggeredUpgrades?: boolean;
  /**
   * Directors and real servers taken out of service: a director's keepalived is stopped, a real server gets weight 0.
   * List of hosts' names; each a name (lower-case letters, digits and dashes, 32 at most, a letter first).
   * @default []
   */
  maintenance?: string[];
  /**
   * Further packages on every host (the cookbook's value).
   * List of packages; each a package's name (without what apt-get would read as an action: - or + at its end).
   * @default [curl, git, nmon]
   */
  packages?: string[];
  /**
   * Password of VRRP version 2; version 3 has none.
   * A secret: text; refused if it is empty, or is longer than the 8 characters that auth_pass keeps (keepalived.conf(5)), or has a character other than letters, digits and _.,:+=@^~-.
   * @default none
   */
  vrrpAuthPass?: pulumi.Input<string>;
  /**
   * First login by password.
   * A secret: text; refused if it is empty, or is longer than the 1024 characters that sshd reads.
   * @default none
   */
  sshPassword?: pulumi.Input<string>;
  /**
   * First login by key; the SSH agent is asked where there is neither key nor password.
   * A secret: text; refused if it is empty, or is longer than the 32768 characters that fit a private key.
   * @default none
   */
  sshPrivateKey?: pulumi.Input<string>;
  /**
   * The key's passphrase, and that of the bastion's key.
   * A secret: text; refused if it is empty, or is longer than the 1024 characters that ssh reads.
   * @default none
   */
  sshPrivateKeyPassphrase?: pulumi.Input<string>;
  /**
   * The bastion's password; `sshPassword` where it is left out.
   * A secret: text; refused if it is empty, or is longer than the 1024 characters that sshd reads.
   * @default none
   */
  sshProxyPassword?: pulumi.Input<string>;
  /**
   * The bastion's key; `sshPrivateKey` where it is left out.
   * A secret: text; refused if it is empty, or is longer than the 32768 characters that fit a private key.
   * @default none
   */
  sshProxyPrivateKey?: pulumi.Input<string>;
}

/** `ssh` */
export interface SshConfig {
  /**
   * Login on every host; one other than root needs sudo without a password.
   * A login name.
   * @default root
   */
  user?: string;
  /**
   * SSH port.
   * A port (1–65535).
   * @default 22
   */
  port?: pulumi.Input<number>;
  /**
   * An ED25519 deploy key is made, installed with the first login, used from then on.
   * `true`, `false`.
   * @default false
   */
  managedKey?: boolean;
  /**
   * Socket of the SSH agent; `SSH_AUTH_SOCK` where it is left out.
   * An absolute path.
   */
  agentSocketPath?: string;
  /**
   * Bastion that every connection goes through.
   */
  proxy?: ProxyConfig;
  /**
   * Failed dials after which a host is given up.
   * A number of dials (1–1000).
   * @default 10
   */
  dialErrorLimit?: number;
  /**
   * Seconds that one dial may take.
   * A number of seconds (1–600).
   * @default 15
   */
  perDialTimeoutSeconds?: number;
}

/** `ssh.proxy` */
export interface ProxyConfig {
  /**
   * Name or address of the bastion.
   * A host name or address; refused if it is an address that no host can have.
   */
  host: pulumi.Input<string>;
  /**
   * Its public host key.
   * A public host key, Ed25519 or ECDSA, as ssh-keyscan prints it, without the address ("ssh-ed25519 AAAA…").
   */
  hostKey: pulumi.Input<string>;
  /**
   * Its SSH port.
   * A port (1–65535).
   * @default 22
   */
  port?: pulumi.Input<number>;
  /**
   * Login there.
   * A login name.
   * @default root
   */
  user?: string;
}

/** `directors[]` */
export interface DirectorConfig {
  /**
   * Short name; unique in the stack, part of every resource's name.
   * A name (lower-case letters, digits and dashes, 32 at most, a letter first).
   */
  name: string;
  /**
   * Where SSH reaches it.
   * A host name or address; refused if it is an address that no host can have.
   */
  host: pulumi.Input<string>;
  /**
   * System; the stack's `os` where it is left out.
   * `debian11`, `debian12`, `debian13`, `debian14`, `ubuntu2204`, `ubuntu2404`, `ubuntu2604`.
   */
  os?: "debian11" | "debian12" | "debian13" | "debian14" | "ubuntu2204" | "ubuntu2404" | "ubuntu2604";
  /**
   * Login; `ssh.user` where it is left out.
   * A login name.
   */
  user?: string;
  /**
   * SSH port; `ssh.port` where it is left out.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Public SSH host key; nothing is sent to a host that shows another.
   * A public host key, Ed25519 or ECDSA, as ssh-keyscan prints it, without the address ("ssh-ed25519 AAAA…").
   */
  hostKey: pulumi.Input<string>;
  /**
   * Its own address on `vrrp.interface`, with prefix: source of its adverts, peer of the others'.
   * An address with its prefix (192.0.2.11/24); refused if it is an address that no host can have, or has the prefix 0, by which all there is would be on its segment (192.0.2.100/28).
   */
  vrrpAddress: pulumi.Input<string>;
  /**
   * Its own IPv6 address there, beside an IPv4 one: for IPv6 instances, and for checks through IPv6 virtual addresses.
   * An IPv6 address with its prefix (2001:db8::11/64); refused if it is an address that no host can have, or has the prefix 0, by which all there is would be on its segment (192.0.2.100/28).
   */
  vrrpAddress6?: pulumi.Input<string>;
  /**
   * Its own address on `vrrp.syncInterface`; `host` where that is an address.
   * An IP address; refused if it is an address that no host can have.
   */
  syncAddress?: pulumi.Input<string>;
  /**
   * VRRP priority, the highest is preferred as active; 150, 140, 130 … in order.
   * A VRRP priority (1–254).
   */
  priority?: number;
  /**
   * Version of the package `keepalived` that is to be installed there, and held; as it comes where it is left out.
   * A version of a Debian package (1:2.2.7-1+b2).
   */
  keepalivedVersion?: string;
}

/** `realServers[]` */
export interface RealServerConfig {
  /**
   * Short name; unique in the stack, part of every resource's name.
   * A name (lower-case letters, digits and dashes, 32 at most, a letter first).
   */
  name: string;
  /**
   * Where SSH reaches it, unless `managed` is false.
   * A host name or address; refused if it is an address that no host can have.
   */
  host?: pulumi.Input<string>;
  /**
   * System; the stack's `os` where it is left out.
   * `debian11`, `debian12`, `debian13`, `debian14`, `ubuntu2204`, `ubuntu2404`, `ubuntu2604`.
   */
  os?: "debian11" | "debian12" | "debian13" | "debian14" | "ubuntu2204" | "ubuntu2404" | "ubuntu2604";
  /**
   * Login; `ssh.user` where it is left out.
   * A login name.
   */
  user?: string;
  /**
   * SSH port; `ssh.port` where it is left out.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Public SSH host key, unless `managed` is false.
   * A public host key, Ed25519 or ECDSA, as ssh-keyscan prints it, without the address ("ssh-ed25519 AAAA…").
   */
  hostKey?: pulumi.Input<string>;
  /**
   * What the directors forward to; `host` where that is an address.
   * An IP address; refused if it is an address that no host can have.
   */
  address?: pulumi.Input<string>;
  /**
   * The same for virtual servers of the other family, where `address` is IPv4.
   * An IPv6 address; refused if it is an address that no host can have.
   */
  address6?: pulumi.Input<string>;
  /**
   * Share of new connections, for schedulers that weigh (not `rr`, `lc`, `dh`); 0 sends none (0: keepalived 2.2.0 or later, so not on `debian11`).
   * A weight (0–65535).
   * @default 1
   */
  weight?: pulumi.Input<number>;
  /**
   * False: it is only forwarded to, somebody else sets it up.
   * `true`, `false`.
   * @default true
   */
  managed?: boolean;
}

/** `virtualServers[]` */
export interface VirtualServerConfig {
  /**
   * Unique in the stack.
   * A name (lower-case letters, digits and dashes, 32 at most, a letter first).
   */
  name: string;
  /**
   * The virtual IP address (VIP); with its prefix when outside the directors' own network. Left out for a `fwmark`.
   * An IP address (192.0.2.100, or with its prefix 192.0.2.100/28); refused if it is an address that no host can have, or has the prefix 0, by which all there is would be on its segment (192.0.2.100/28).
   */
  address?: pulumi.Input<string>;
  /**
   * Its port. Left out for a `fwmark`.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Its protocol. Says nothing for a `fwmark`.
   * `TCP`, `UDP`, `SCTP`.
   * @default TCP
   */
  protocol?: "TCP" | "UDP" | "SCTP";
  /**
   * Firewall mark that makes several addresses and ports one service, in place of `address`.
   * A firewall mark (1–65535).
   */
  fwmark?: number;
  /**
   * What the directors mark with `fwmark`.
   * List of addresses and ports, 1 or more.
   */
  traffic?: TrafficConfig[];
  /**
   * VRRP instance that carries its addresses; the first where it is left out.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  vrrpInstance?: string;
  /**
   * How a real server is chosen: ipvsadm(8) (the cookbook's value).
   * `rr`, `wrr`, `lc`, `wlc`, `lblc`, `lblcr`, `dh`, `sh`, `mh`, `sed`, `nq`, `fo`, `ovf`, `twos`.
   * @default rr
   */
  scheduler?: "rr" | "wrr" | "lc" | "wlc" | "lblc" | "lblcr" | "dh" | "sh" | "mh" | "sed" | "nq" | "fo" | "ovf" | "twos";
  /**
   * Flags of `sh` and `mh`: hash the port, too; `sh-fallback` and `mh-fallback` are always set, because without them a drained real server's clients get no answer.
   * List of flags; each one of `sh-port`, `sh-fallback`, `mh-port`, `mh-fallback`.
   * @default []
   */
  schedulerFlags?: ("sh-port" | "sh-fallback" | "mh-port" | "mh-fallback")[];
  /**
   * How packets reach a real server: DR (it answers the client itself), NAT (it answers through the director), TUN (as DR, over IPIP).
   * `DR`, `NAT`, `TUN`.
   * @default DR
   */
  forwarding?: "DR" | "NAT" | "TUN";
  /**
   * Each UDP datagram is scheduled for itself.
   * `true`, `false`.
   * @default false
   */
  onePacketScheduling?: boolean;
  /**
   * Seconds that a client stays with its real server; 0 is none.
   * A number of seconds (0–2678400).
   * @default 0
   */
  persistenceTimeoutSeconds?: number;
  /**
   * Clients of one network of this prefix length count as one.
   * A prefix length (1–128).
   */
  persistenceGranularity?: number;
  /**
   * What tells clients apart: the SIP Call-ID.
   * `sip`.
   */
  persistenceEngine?: "sip";
  /**
   * Seconds between checks of a real server (the cookbook's 20 black-holes for that long).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 3
   */
  delayLoopSeconds?: number;
  /**
   * How a real server proves itself; one of type `tcp` where it is left out, none if empty.
   * List of checks.
   */
  checks?: (TcpCheckConfig | HttpCheckConfig | HttpsCheckConfig | SmtpCheckConfig | DnsCheckConfig | UdpCheckConfig | PingCheckConfig | MiscCheckConfig | FileCheckConfig | BfdCheckConfig)[];
  /**
   * Host header of HTTP checks that name none.
   * A host name.
   */
  virtualHost?: pulumi.Input<string>;
  /**
   * Real servers are out until their checks have succeeded once.
   * `true`, `false`.
   * @default false
   */
  alpha?: boolean;
  /**
   * `notifyDown` and `quorumDown` run when keepalived stops, too.
   * `true`, `false`.
   * @default false
   */
  omega?: boolean;
  /**
   * A real server that is out stays in IPVS with weight 0.
   * `true`, `false`.
   * @default false
   */
  inhibitOnFailure?: boolean;
  /**
   * Weight of the real servers that must be in for the service to count as up.
   * A weight (1–2147483647).
   * @default 1
   */
  quorum?: number;
  /**
   * Weight above and below `quorum` at which it is gained and lost.
   * A weight (0–2147483647).
   * @default 0
   */
  hysteresis?: number;
  /**
   * Script run when the quorum is gained.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  quorumUp?: string | ScriptCallConfig;
  /**
   * Script run when the quorum is lost.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  quorumDown?: string | ScriptCallConfig;
  /**
   * Mail to `email.to` when the quorum changes.
   * `true`, `false`.
   * @default false
   */
  smtpAlert?: boolean;
  /**
   * No checks while the director doesn't hold the address.
   * `true`, `false`.
   * @default false
   */
  haSuspend?: boolean;
  /**
   * Lines of `virtual_server`, for keywords that have no key here. keepalived on each director must take them; what they change, nothing else reckons with.
   * List of lines; each a keyword of keepalived.conf(5), alone or with words of letters, digits and _ . : , / % + = - behind it; refused if it is not a line of 200 characters at most.
   * @default []
   */
  otherKeywords?: string[];
  /**
   * Names of its real servers, or objects with settings of their own; all where it is left out.
   * List of real servers, 1 or more; each a name (lower-case letters, digits and dashes, 32 at most, a letter first), or object.
   */
  realServers?: (string | VirtualServerRealServerConfig)[];
  /**
   * Gets the connections while the quorum is not reached.
   */
  sorryServer?: SorryServerConfig;
}

/** `virtualServers[].traffic[]` */
export interface TrafficConfig {
  /**
   * A virtual address, with its prefix where it needs one.
   * An IP address (192.0.2.100, or with its prefix 192.0.2.100/28); refused if it is an address that no host can have, or has the prefix 0, by which all there is would be on its segment (192.0.2.100/28).
   */
  address: pulumi.Input<string>;
  /**
   * Protocol marked.
   * `TCP`, `UDP`, `SCTP`.
   * @default TCP
   */
  protocol?: "TCP" | "UDP" | "SCTP";
  /**
   * Ports and ranges of ports marked; all where it is left out.
   * List of ports, 1 or more; each a port (1–65535), or a range of ports (8000-8099); refused if it is not a range of ports, the lower first (8000-8099).
   */
  ports?: (pulumi.Input<number | string>)[];
}

/** `virtualServers[].checks[]` */
export interface TcpCheckConfig {
  /**
   * The real server accepts a connection.
   * `tcp`.
   */
  type: "tcp";
  /**
   * Failures in a row, after the first, that take the real server out.
   * A number of retries (0–1000).
   * @default 1
   */
  retry?: number;
  /**
   * Seconds from a failure to the next try.
   * A number of seconds (0–3600, in steps of 0.001).
   * @default 1
   */
  delayBeforeRetrySeconds?: number;
  /**
   * Seconds between checks; the virtual server's where it is left out.
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  delayLoopSeconds?: number;
  /**
   * The first check comes at a random moment within these seconds; the virtual server's interval where it is left out.
   * A number of seconds (0–3600, in steps of 0.001).
   */
  warmupSeconds?: number;
  /**
   * The real server is out until this check has succeeded once.
   * `true`, `false`.
   */
  alpha?: boolean;
  /**
   * Seconds that an answer may take (the cookbook's value).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 3
   */
  connectTimeoutSeconds?: number;
  /**
   * Address checked; the real server's where it is left out.
   * An IP address; refused if it is an address that no host can have.
   */
  address?: pulumi.Input<string>;
  /**
   * Port checked; the real server's where it is left out.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Interface that the check leaves by; the route decides where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  bindInterface?: string;
  /**
   * Every failure is logged, not the last of a row only.
   * `true`, `false`.
   */
  logAllFailures?: boolean;
  /**
   * The check asks for the virtual address at the real server, so that one that lacks it on its loopback is out. Where it is left out: true for `tcp`, `http`, `https` and `smtp` with DR and TUN where the directors share the address's network; false for `dns` and `udp`.
   * `true`, `false`.
   */
  throughVirtualAddress?: boolean;
}

/** `virtualServers[].checks[]` */
export interface HttpCheckConfig {
  /**
   * An HTTP request is answered rightly.
   * `http`.
   */
  type: "http";
  /**
   * Failures in a row, after the first, that take the real server out.
   * A number of retries (0–1000).
   * @default 1
   */
  retry?: number;
  /**
   * Seconds from a failure to the next try.
   * A number of seconds (0–3600, in steps of 0.001).
   * @default 1
   */
  delayBeforeRetrySeconds?: number;
  /**
   * Seconds between checks; the virtual server's where it is left out.
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  delayLoopSeconds?: number;
  /**
   * The first check comes at a random moment within these seconds; the virtual server's interval where it is left out.
   * A number of seconds (0–3600, in steps of 0.001).
   */
  warmupSeconds?: number;
  /**
   * The real server is out until this check has succeeded once.
   * `true`, `false`.
   */
  alpha?: boolean;
  /**
   * Seconds that an answer may take (the cookbook's value).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 3
   */
  connectTimeoutSeconds?: number;
  /**
   * Address checked; the real server's where it is left out.
   * An IP address; refused if it is an address that no host can have.
   */
  address?: pulumi.Input<string>;
  /**
   * Port checked; the real server's where it is left out.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Interface that the check leaves by; the route decides where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  bindInterface?: string;
  /**
   * Every failure is logged, not the last of a row only.
   * `true`, `false`.
   */
  logAllFailures?: boolean;
  /**
   * The check asks for the virtual address at the real server, so that one that lacks it on its loopback is out. Where it is left out: true for `tcp`, `http`, `https` and `smtp` with DR and TUN where the directors share the address's network; false for `dns` and `udp`.
   * `true`, `false`.
   */
  throughVirtualAddress?: boolean;
  /**
   * What is asked for; all must be right.
   * List of URLs, 1 or more.
   * @default [{path: /}]
   */
  urls?: UrlConfig[];
  /**
   * Host header; the address that is checked where it is left out.
   * A host name.
   */
  virtualHost?: pulumi.Input<string>;
  /**
   * HTTP version.
   * `"1.0"`, `1.0C`, `"1.1"`, `1`, `1.1`.
   * @default "1.1"
   */
  httpProtocol?: "1.0" | "1.0C" | "1.1" | 1 | 1.1;
  /**
   * All URLs are asked at once when the real server returns.
   * `true`, `false`.
   */
  fastRecovery?: boolean;
}

/** `virtualServers[].checks[].urls[]` */
export interface UrlConfig {
  /**
   * Path asked for.
   * A URL's path (255 characters at most, without spaces, quotes, braces, #, !, $ and \); refused if it is not a URL's path: it begins with /.
   */
  path: string;
  /**
   * Statuses that are right; 200-299 where it is left out.
   * List of HTTP statuses, 1 or more, 64 at most; each an HTTP status (100–599), or a range of HTTP statuses (200-299); refused if it is not a range of HTTP statuses, the lower first (200-299).
   */
  status?: (number | string)[];
  /**
   * MD5 of the body, as genhash(1) prints it.
   * An MD5 digest (32 hexadecimal digits, of genhash(1)).
   */
  digest?: string;
  /**
   * Host header; the check's where it is left out.
   * A host name.
   */
  virtualHost?: pulumi.Input<string>;
  /**
   * Regular expression (PCRE2) that the answer must match: its body, or its header.
   * A regular expression without " (200 characters at most); refused if it looks behind, by (?<=, (?<!, \A, \b or \B: keepalived before 2.4.0 writes past its buffer there, or is not a regular expression of what every PCRE2 takes (characters, . ^ $ |, classes, (…), (?:…), (?=…), (?!…), * + ? {2,5} and these with ?, \d \s \w and their capitals, \n \r \t \x41, \ before punctuation; regexOptions for what (?i) would say), or has a letter after $, or could take in more at its end, and is not found by keepalived where the answer ends there; say what it must have at least (ok for ok+, done for done.*).
   */
  regex?: string;
  /**
   * The answer must not match `regex`.
   * `true`, `false`.
   */
  regexNoMatch?: boolean;
  /**
   * How `regex` is read: pcre2api(3).
   * List of PCRE2 options; each one of `caseless`, `dotall`, `dollar_endonly`, `extended`, `multiline`, `ungreedy`, `utf`, `ucp`.
   */
  regexOptions?: ("caseless" | "dotall" | "dollar_endonly" | "extended" | "multiline" | "ungreedy" | "utf" | "ucp")[];
  /**
   * Stack for `regex`, where it needs more than PCRE2's own 32 KiB; the largest of all checks is taken: pcre2jit(3).
   */
  regexStack?: RegexStackConfig;
}

/** `virtualServers[].checks[].urls[].regexStack` */
export interface RegexStackConfig {
  /**
   * Bytes that it begins with.
   * A number of bytes (1–67108864).
   */
  startBytes: number;
  /**
   * Bytes that it may grow to.
   * A number of bytes (1–67108864).
   */
  maxBytes: number;
}

/** `virtualServers[].checks[]` */
export interface HttpsCheckConfig {
  /**
   * The same over TLS; the certificate is not verified.
   * `https`.
   */
  type: "https";
  /**
   * Failures in a row, after the first, that take the real server out.
   * A number of retries (0–1000).
   * @default 1
   */
  retry?: number;
  /**
   * Seconds from a failure to the next try.
   * A number of seconds (0–3600, in steps of 0.001).
   * @default 1
   */
  delayBeforeRetrySeconds?: number;
  /**
   * Seconds between checks; the virtual server's where it is left out.
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  delayLoopSeconds?: number;
  /**
   * The first check comes at a random moment within these seconds; the virtual server's interval where it is left out.
   * A number of seconds (0–3600, in steps of 0.001).
   */
  warmupSeconds?: number;
  /**
   * The real server is out until this check has succeeded once.
   * `true`, `false`.
   */
  alpha?: boolean;
  /**
   * Seconds that an answer may take (the cookbook's value).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 3
   */
  connectTimeoutSeconds?: number;
  /**
   * Address checked; the real server's where it is left out.
   * An IP address; refused if it is an address that no host can have.
   */
  address?: pulumi.Input<string>;
  /**
   * Port checked; the real server's where it is left out.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Interface that the check leaves by; the route decides where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  bindInterface?: string;
  /**
   * Every failure is logged, not the last of a row only.
   * `true`, `false`.
   */
  logAllFailures?: boolean;
  /**
   * The check asks for the virtual address at the real server, so that one that lacks it on its loopback is out. Where it is left out: true for `tcp`, `http`, `https` and `smtp` with DR and TUN where the directors share the address's network; false for `dns` and `udp`.
   * `true`, `false`.
   */
  throughVirtualAddress?: boolean;
  /**
   * What is asked for; all must be right.
   * List of URLs, 1 or more.
   * @default [{path: /}]
   */
  urls?: UrlConfig[];
  /**
   * Host header; the address that is checked where it is left out.
   * A host name.
   */
  virtualHost?: pulumi.Input<string>;
  /**
   * HTTP version.
   * `"1.0"`, `1.0C`, `"1.1"`, `1`, `1.1`.
   * @default "1.1"
   */
  httpProtocol?: "1.0" | "1.0C" | "1.1" | 1 | 1.1;
  /**
   * All URLs are asked at once when the real server returns.
   * `true`, `false`.
   */
  fastRecovery?: boolean;
  /**
   * `virtualHost` is named in the TLS handshake.
   * `true`, `false`.
   * @default true
   */
  sni?: boolean;
  /**
   * Ends TLS by close_notify (keepalived 2.2.8 or later, so not on `debian11`, `debian12`, `ubuntu2204`).
   * `true`, `false`.
   */
  tlsCompliant?: boolean;
}

/** `virtualServers[].checks[]` */
export interface SmtpCheckConfig {
  /**
   * A mail server greets and answers HELO.
   * `smtp`.
   */
  type: "smtp";
  /**
   * Failures in a row, after the first, that take the real server out.
   * A number of retries (0–1000).
   * @default 1
   */
  retry?: number;
  /**
   * Seconds from a failure to the next try.
   * A number of seconds (0–3600, in steps of 0.001).
   * @default 1
   */
  delayBeforeRetrySeconds?: number;
  /**
   * Seconds between checks; the virtual server's where it is left out.
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  delayLoopSeconds?: number;
  /**
   * The first check comes at a random moment within these seconds; the virtual server's interval where it is left out.
   * A number of seconds (0–3600, in steps of 0.001).
   */
  warmupSeconds?: number;
  /**
   * The real server is out until this check has succeeded once.
   * `true`, `false`.
   */
  alpha?: boolean;
  /**
   * Seconds that an answer may take (the cookbook's value).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 3
   */
  connectTimeoutSeconds?: number;
  /**
   * Address checked; the real server's where it is left out.
   * An IP address; refused if it is an address that no host can have.
   */
  address?: pulumi.Input<string>;
  /**
   * Port checked; the real server's where it is left out.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Interface that the check leaves by; the route decides where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  bindInterface?: string;
  /**
   * Every failure is logged, not the last of a row only.
   * `true`, `false`.
   */
  logAllFailures?: boolean;
  /**
   * The check asks for the virtual address at the real server, so that one that lacks it on its loopback is out. Where it is left out: true for `tcp`, `http`, `https` and `smtp` with DR and TUN where the directors share the address's network; false for `dns` and `udp`.
   * `true`, `false`.
   */
  throughVirtualAddress?: boolean;
  /**
   * Name given in HELO.
   * A host name.
   */
  heloName?: pulumi.Input<string>;
}

/** `virtualServers[].checks[]` */
export interface DnsCheckConfig {
  /**
   * A DNS query over UDP is answered.
   * `dns`.
   */
  type: "dns";
  /**
   * Failures in a row, after the first, that take the real server out.
   * A number of retries (0–1000).
   * @default 1
   */
  retry?: number;
  /**
   * Seconds from a failure to the next try.
   * A number of seconds (0–3600, in steps of 0.001).
   * @default 1
   */
  delayBeforeRetrySeconds?: number;
  /**
   * Seconds between checks; the virtual server's where it is left out.
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  delayLoopSeconds?: number;
  /**
   * The first check comes at a random moment within these seconds; the virtual server's interval where it is left out.
   * A number of seconds (0–3600, in steps of 0.001).
   */
  warmupSeconds?: number;
  /**
   * The real server is out until this check has succeeded once.
   * `true`, `false`.
   */
  alpha?: boolean;
  /**
   * Seconds that an answer may take (the cookbook's value).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 3
   */
  connectTimeoutSeconds?: number;
  /**
   * Address checked; the real server's where it is left out.
   * An IP address; refused if it is an address that no host can have.
   */
  address?: pulumi.Input<string>;
  /**
   * Port checked; the real server's where it is left out.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Interface that the check leaves by; the route decides where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  bindInterface?: string;
  /**
   * Every failure is logged, not the last of a row only.
   * `true`, `false`.
   */
  logAllFailures?: boolean;
  /**
   * The check asks for the virtual address at the real server, so that one that lacks it on its loopback is out. Where it is left out: true for `tcp`, `http`, `https` and `smtp` with DR and TUN where the directors share the address's network; false for `dns` and `udp`.
   * `true`, `false`.
   */
  throughVirtualAddress?: boolean;
  /**
   * Record asked for.
   * `A`, `NS`, `CNAME`, `SOA`, `MX`, `TXT`, `AAAA`.
   * @default SOA
   */
  queryType?: "A" | "NS" | "CNAME" | "SOA" | "MX" | "TXT" | "AAAA";
  /**
   * Name asked for.
   * A domain name whose first label has two characters or more, without a dot at its end; refused if it is longer than 253 characters.
   * @default .
   */
  queryName?: string;
}

/** `virtualServers[].checks[]` */
export interface UdpCheckConfig {
  /**
   * No ICMP error comes back for a datagram, or the right reply if one is required.
   * `udp`.
   */
  type: "udp";
  /**
   * Failures in a row, after the first, that take the real server out.
   * A number of retries (0–1000).
   * @default 1
   */
  retry?: number;
  /**
   * Seconds from a failure to the next try.
   * A number of seconds (0–3600, in steps of 0.001).
   * @default 1
   */
  delayBeforeRetrySeconds?: number;
  /**
   * Seconds between checks; the virtual server's where it is left out.
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  delayLoopSeconds?: number;
  /**
   * The first check comes at a random moment within these seconds; the virtual server's interval where it is left out.
   * A number of seconds (0–3600, in steps of 0.001).
   */
  warmupSeconds?: number;
  /**
   * The real server is out until this check has succeeded once.
   * `true`, `false`.
   */
  alpha?: boolean;
  /**
   * Seconds that an answer may take (the cookbook's value).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 3
   */
  connectTimeoutSeconds?: number;
  /**
   * Address checked; the real server's where it is left out.
   * An IP address; refused if it is an address that no host can have.
   */
  address?: pulumi.Input<string>;
  /**
   * Port checked; the real server's where it is left out.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Interface that the check leaves by; the route decides where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  bindInterface?: string;
  /**
   * Every failure is logged, not the last of a row only.
   * `true`, `false`.
   */
  logAllFailures?: boolean;
  /**
   * The check asks for the virtual address at the real server, so that one that lacks it on its loopback is out. Where it is left out: true for `tcp`, `http`, `https` and `smtp` with DR and TUN where the directors share the address's network; false for `dns` and `udp`.
   * `true`, `false`.
   */
  throughVirtualAddress?: boolean;
  /**
   * Datagram sent; random where it is left out (keepalived 2.2.0 or later, so not on `debian11`; with `ff` at its end: keepalived 2.3.3 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`).
   * Bytes as hexadecimal digits, two each.
   */
  payload?: string;
  /**
   * A reply must come, and begin with these bytes where they are given (with `ff` at its end: keepalived 2.3.3 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`).
   * `true`, `false`, or bytes as hexadecimal digits, two each; X stands for any.
   * @default false
   */
  requireReply?: boolean | string;
  /**
   * Bytes, at least (keepalived 2.2.0 or later, so not on `debian11`).
   * A number of bytes (0–65535).
   */
  minReplyLength?: number;
  /**
   * Bytes, at most (keepalived 2.2.0 or later, so not on `debian11`).
   * A number of bytes (0–65535).
   */
  maxReplyLength?: number;
}

/** `virtualServers[].checks[]` */
export interface PingCheckConfig {
  /**
   * An ICMP echo request is answered.
   * `ping`.
   */
  type: "ping";
  /**
   * Failures in a row, after the first, that take the real server out.
   * A number of retries (0–1000).
   * @default 1
   */
  retry?: number;
  /**
   * Seconds from a failure to the next try.
   * A number of seconds (0–3600, in steps of 0.001).
   * @default 1
   */
  delayBeforeRetrySeconds?: number;
  /**
   * Seconds between checks; the virtual server's where it is left out.
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  delayLoopSeconds?: number;
  /**
   * The first check comes at a random moment within these seconds; the virtual server's interval where it is left out.
   * A number of seconds (0–3600, in steps of 0.001).
   */
  warmupSeconds?: number;
  /**
   * The real server is out until this check has succeeded once.
   * `true`, `false`.
   */
  alpha?: boolean;
  /**
   * Seconds that an answer may take (the cookbook's value).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 3
   */
  connectTimeoutSeconds?: number;
  /**
   * Address checked; the real server's where it is left out.
   * An IP address; refused if it is an address that no host can have.
   */
  address?: pulumi.Input<string>;
  /**
   * Interface that the check leaves by; the route decides where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  bindInterface?: string;
  /**
   * Every failure is logged, not the last of a row only.
   * `true`, `false`.
   */
  logAllFailures?: boolean;
}

/** `virtualServers[].checks[]` */
export interface MiscCheckConfig {
  /**
   * A script of `scripts` ends with 0.
   * `misc`.
   */
  type: "misc";
  /**
   * Failures in a row, after the first, that take the real server out.
   * A number of retries (0–1000).
   * @default 1
   */
  retry?: number;
  /**
   * Seconds from a failure to the next try.
   * A number of seconds (0–3600, in steps of 0.001).
   * @default 1
   */
  delayBeforeRetrySeconds?: number;
  /**
   * Seconds between checks; the virtual server's where it is left out.
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  delayLoopSeconds?: number;
  /**
   * The first check comes at a random moment within these seconds; the virtual server's interval where it is left out.
   * A number of seconds (0–3600, in steps of 0.001).
   */
  warmupSeconds?: number;
  /**
   * The real server is out until this check has succeeded once.
   * `true`, `false`.
   */
  alpha?: boolean;
  /**
   * Name in `scripts`.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most).
   */
  script: string;
  /**
   * Its arguments.
   * List of arguments; each an argument (200 characters at most, without spaces, quotes, braces, #, !, $ and \).
   */
  args?: string[];
  /**
   * Who runs it; `daemon.scriptUser` where it is left out.
   * A login name.
   */
  user?: string;
  /**
   * Seconds that the script may take; the interval where it is left out.
   * A number of seconds (1–3600).
   */
  timeoutSeconds?: number;
  /**
   * Exit codes 2–255 set the weight to the code less 2 (keepalived 2.2.0 or later, so not on `debian11`).
   * `true`, `false`.
   */
  dynamic?: boolean;
}

/** `virtualServers[].checks[]` */
export interface FileCheckConfig {
  /**
   * A number in a file of `tracking.files` adds to the weight.
   * `file`.
   */
  type: "file";
  /**
   * Name in `tracking.files` (keepalived 2.2.0 or later, so not on `debian11`).
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  trackFile: string;
  /**
   * Multiplies the number; the tracked file's where it is left out.
   * A weight (-2147483647–2147483647); refused if it is not a weight other than 0.
   */
  weight?: number;
  /**
   * The number's sign is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
}

/** `virtualServers[].checks[]` */
export interface BfdCheckConfig {
  /**
   * A BFD session of `tracking.bfd` is up.
   * `bfd`.
   */
  type: "bfd";
  /**
   * Name in `tracking.bfd`.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  session: string;
}

/** `virtualServers[].quorumUp` */
export interface ScriptCallConfig {
  /**
   * Name in `scripts`.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most).
   */
  script: string;
  /**
   * Its arguments.
   * List of arguments; each an argument (200 characters at most, without spaces, quotes, braces, #, !, $ and \).
   */
  args?: string[];
  /**
   * Who runs it; `daemon.scriptUser` where it is left out.
   * A login name.
   */
  user?: string;
}

/** `virtualServers[].realServers[]` */
export interface VirtualServerRealServerConfig {
  /**
   * Name in `realServers`.
   * A name (lower-case letters, digits and dashes, 32 at most, a letter first).
   */
  name: string;
  /**
   * Its port, where forwarding is NAT; the virtual server's otherwise.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * Its weight here; its own where it is left out (0: keepalived 2.2.0 or later, so not on `debian11`).
   * A weight (0–65535).
   */
  weight?: pulumi.Input<number>;
  /**
   * How packets reach it; the virtual server's way where it is left out.
   * `DR`, `NAT`, `TUN`.
   */
  forwarding?: "DR" | "NAT" | "TUN";
  /**
   * Its checks; the virtual server's where it is left out.
   * List of checks.
   */
  checks?: (TcpCheckConfig | HttpCheckConfig | HttpsCheckConfig | SmtpCheckConfig | DnsCheckConfig | UdpCheckConfig | PingCheckConfig | MiscCheckConfig | FileCheckConfig | BfdCheckConfig)[];
  /**
   * As the virtual server's, which holds where it is left out.
   * `true`, `false`.
   */
  inhibitOnFailure?: boolean;
  /**
   * Connections at which it gets no new ones; no limit where it is left out.
   * A number of connections (0–2147483647).
   */
  upperThreshold?: number;
  /**
   * Connections below which it gets new ones again; three quarters of `upperThreshold` where it is left out.
   * A number of connections (0–2147483647).
   */
  lowerThreshold?: number;
  /**
   * Script run when it comes in.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  notifyUp?: string | ScriptCallConfig;
  /**
   * Script run when it is taken out.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  notifyDown?: string | ScriptCallConfig;
  /**
   * Lines of `real_server`, for keywords that have no key here. keepalived on each director must take them; what they change, nothing else reckons with.
   * List of lines; each a keyword of keepalived.conf(5), alone or with words of letters, digits and _ . : , / % + = - behind it; refused if it is not a line of 200 characters at most.
   */
  otherKeywords?: string[];
}

/** `virtualServers[].sorryServer` */
export interface SorryServerConfig {
  /**
   * Its address.
   * An IP address; refused if it is an address that no host can have.
   */
  address: pulumi.Input<string>;
  /**
   * Its port. Left out for a `fwmark`, unless forwarding is NAT.
   * A port (1–65535).
   */
  port?: pulumi.Input<number>;
  /**
   * How packets reach it; the virtual server's way where it is left out.
   * `DR`, `NAT`, `TUN`.
   */
  forwarding?: "DR" | "NAT" | "TUN";
  /**
   * It stays in IPVS with weight 0 while it isn't needed.
   * `true`, `false`.
   */
  inhibitOnFailure?: boolean;
}

/** `vrrp` */
export interface VrrpConfig {
  /**
   * Unique on the network segment (the cookbook's value).
   * A virtual router id (1–255).
   * @default 51
   */
  virtualRouterId?: number;
  /**
   * Interface of the adverts and the virtual addresses (the cookbook's value).
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …), or is the host's own loopback, which leads to no other host.
   * @default eth1
   */
  interface?: string;
  /**
   * Protocol version; 2 knows neither fractions of a second nor IPv6.
   * `2`, `3`.
   * @default 3
   */
  version?: 2 | 3;
  /**
   * Seconds between adverts; a director is missed after three (at 0.1 a busy host flips).
   * A number of seconds (0.01–255, in steps of 0.001).
   * @default 0.3
   */
  advertIntervalSeconds?: number;
  /**
   * Adverts go to the other directors' own addresses rather than to a multicast group.
   * `true`, `false`.
   * @default true
   */
  unicast?: boolean;
  /**
   * TTL or hop limit of unicast adverts; 255 where it is left out.
   * A TTL (1–255).
   */
  unicastTtl?: number;
  /**
   * Unicast adverts that come from none of the other directors are ignored.
   * `true`, `false`.
   * @default false
   */
  checkUnicastSource?: boolean;
  /**
   * Multicast group of the adverts; 224.0.0.18 or ff02::12 where it is left out. Only where `unicast` is false (keepalived 2.2.5 or later, so not on `debian11`, `ubuntu2204`).
   * A multicast address (of IPv6, of the link's scope: ff02::12).
   */
  multicastGroup?: string;
  /**
   * A director whose priority is or becomes the higher one takes over; otherwise the active one keeps the addresses until it fails.
   * `true`, `false`.
   * @default false
   */
  preempt?: boolean;
  /**
   * Seconds that it waits before it does.
   * A number of seconds (0–1000, in steps of 0.001).
   */
  preemptDelaySeconds?: number;
  /**
   * Adverts missed until a director counts as gone, in place of the protocol's 3 (keepalived 2.2.3 or later, so not on `debian11`).
   * A number of adverts (1–100).
   */
  downTimerAdverts?: number;
  /**
   * A fault of `interface` is a fault of the instance.
   * `true`, `false`.
   * @default true
   */
  trackPrimaryInterface?: boolean;
  /**
   * Packets to the virtual addresses are accepted by an active director; true where it is left out. False is for an instance without virtual servers, whose packets it would drop.
   * `true`, `false`.
   */
  accept?: boolean;
  /**
   * Sets the interface's `promote_secondaries`.
   * `true`, `false`.
   */
  promoteSecondaries?: boolean;
  /**
   * Mail to `email.to` at a change of state.
   * `true`, `false`.
   * @default false
   */
  smtpAlert?: boolean;
  /**
   * The virtual addresses have the protocol's MAC address, on an interface of their own (where `unicast` is true: keepalived 2.2.5 or later, so not on `debian11`, `ubuntu2204`).
   */
  vmac?: VmacConfig;
  /**
   * Gratuitous ARPs and unsolicited neighbour adverts.
   */
  garp?: GarpConfig;
  /**
   * Further interfaces that must be up.
   * List of interfaces.
   * @default []
   */
  trackInterfaces?: TrackInterfaceConfig[];
  /**
   * Scripts that must succeed.
   * List of tracked scripts.
   * @default []
   */
  trackScripts?: TrackScriptConfig[];
  /**
   * Processes that must run. The first that a director is given restarts its keepalived, which is a failover where it is active.
   * List of tracked processes.
   * @default []
   */
  trackProcesses?: TrackProcessConfig[];
  /**
   * Files whose number adds to the priority.
   * List of tracked files.
   * @default []
   */
  trackFiles?: TrackFileConfig[];
  /**
   * BFD sessions that must be up.
   * List of BFD sessions.
   * @default []
   */
  trackBfd?: TrackBfdConfig[];
  /**
   * Scripts of `scripts` run at a change of state.
   */
  notify?: NotifyConfig;
  /**
   * Further addresses that move with the instance: a gateway of real servers behind NAT, say.
   * List of addresses.
   * @default []
   */
  virtualAddresses?: VirtualAddressConfig[];
  /**
   * Routes that move with it.
   * List of routes.
   * @default []
   */
  virtualRoutes?: VirtualRouteConfig[];
  /**
   * Routing rules that move with it.
   * List of rules.
   * @default []
   */
  virtualRules?: VirtualRuleConfig[];
  /**
   * Lines of `vrrp_instance`, for keywords that have no key here. keepalived on each director must take them; what they change, nothing else reckons with.
   * List of lines; each a keyword of keepalived.conf(5), alone or with words of letters, digits and _ . : , / % + = - behind it; refused if it is not a line of 200 characters at most.
   * @default []
   */
  otherKeywords?: string[];
  /**
   * Interface of the connection sync daemon (the cookbook's value).
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …), or is the host's own loopback, which leads to no other host.
   * @default eth0
   */
  syncInterface?: string;
  /**
   * The active director's connections are told to the standby.
   * `true`, `false`.
   * @default true
   */
  connectionSync?: boolean;
  /**
   * How connections are told: ipvsadm(8), --start-daemon.
   */
  syncDaemon?: SyncDaemonConfig;
  /**
   * Interfaces that may go down or up for a moment: a change that doesn't last is passed over. A delay that is taken out again holds until keepalived restarts.
   * List of interfaces.
   * @default []
   */
  interfaceDelays?: InterfaceDelayConfig[];
  /**
   * Several instances, each with virtual servers of its own (`virtualServers[].vrrpInstance`): each director can be active for some.
   * List of VRRP instances, 1 or more.
   */
  instances?: InstanceConfig[];
  /**
   * Instances that change state together.
   * List of groups.
   * @default []
   */
  syncGroups?: SyncGroupConfig[];
}

/** `vrrp.vmac` */
export interface VmacConfig {
  /**
   * Name of the interface; `vrrp.` and the virtual router id where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  interface?: string;
}

/** `vrrp.garp` */
export interface GarpConfig {
  /**
   * Seconds from becoming active to the second round; keepalived's 5 where it is left out.
   * A number of seconds (0–3600).
   */
  masterDelaySeconds?: number;
  /**
   * ARPs a round; keepalived's 5 where it is left out.
   * A number of ARPs (1–100).
   */
  masterRepeat?: number;
  /**
   * Seconds between rounds while active; never where it is left out.
   * A number of seconds (0–86400).
   */
  masterRefreshSeconds?: number;
  /**
   * ARPs of such a round; keepalived's 1 where it is left out.
   * A number of ARPs (1–100).
   */
  masterRefreshRepeat?: number;
  /**
   * Seconds to a second round after a lower director's advert was heard.
   * A number of seconds (0–3600).
   */
  lowerPrioDelaySeconds?: number;
  /**
   * ARPs of that round.
   * A number of ARPs (0–100).
   */
  lowerPrioRepeat?: number;
  /**
   * Seconds between two ARPs on an interface, of all instances; none where it is left out (with more than one ARP a round: keepalived 2.3.2 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`).
   * A number of seconds (0.000001–0.999999, in steps of 0.000001).
   */
  intervalSeconds?: number;
  /**
   * Seconds between two neighbour adverts on an interface, of all instances; none where it is left out (with more than one advert a round: keepalived 2.3.2 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`).
   * A number of seconds (0.000001–0.999999, in steps of 0.000001).
   */
  naIntervalSeconds?: number;
}

/** `vrrp.trackInterfaces[]` */
export interface TrackInterfaceConfig {
  /**
   * Interface.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * Added to the priority while it is well (above 0), or taken off while it isn't (below 0); a fault where it is 0 or left out. Of a pair, it moves the addresses only where `preempt` is true.
   * A weight (-253–253).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
}

/** `vrrp.trackScripts[]` */
export interface TrackScriptConfig {
  /**
   * Name in `tracking.scripts`.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * In place of its weight in `tracking`.
   * A weight (-253–253).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
}

/** `vrrp.trackProcesses[]` */
export interface TrackProcessConfig {
  /**
   * Name in `tracking.processes`.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * In place of its weight in `tracking`.
   * A weight (-253–253).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
}

/** `vrrp.trackFiles[]` */
export interface TrackFileConfig {
  /**
   * Name in `tracking.files`.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * In place of its weight in `tracking`.
   * A weight (-253–253).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
}

/** `vrrp.trackBfd[]` */
export interface TrackBfdConfig {
  /**
   * Name in `tracking.bfd`.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * In place of its weight in `tracking`.
   * A weight (-253–253).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
}

/** `vrrp.notify` */
export interface NotifyConfig {
  /**
   * Run when a director becomes active.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  master?: string | ScriptCallConfig;
  /**
   * Run when it becomes standby.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  backup?: string | ScriptCallConfig;
  /**
   * Run when it has a fault.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  fault?: string | ScriptCallConfig;
  /**
   * Run when keepalived stops.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  stop?: string | ScriptCallConfig;
  /**
   * Run at every change, with type, name, state and priority as arguments.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  any?: string | ScriptCallConfig;
  /**
   * Changes of priority are told, too, by `daemon.vrrpNotifyFifo` or `daemon.notifyFifo`; an instance takes its sync group's, or else `false`, where it is left out.
   * `true`, `false`.
   */
  priorityChanges?: boolean;
  /**
   * Run when an active director hears a lower one's advert.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  masterRxLowerPri?: string | ScriptCallConfig;
}

/** `vrrp.virtualAddresses[]` */
export interface VirtualAddressConfig {
  /**
   * Address, with its prefix where it needs one.
   * An IP address (192.0.2.100, or with its prefix 192.0.2.100/28); refused if it is an address that no host can have, or has the prefix 0, by which all there is would be on its segment (192.0.2.100/28).
   */
  address: pulumi.Input<string>;
  /**
   * Interface; the instance's where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  interface?: string;
}

/** `vrrp.virtualRoutes[]` */
export interface VirtualRouteConfig {
  /**
   * Destination.
   * `default`, or a subnet in CIDR form whose host bits are 0 (10.0.0.0/8), or an IP address; refused if it is an address that no host can have.
   */
  to: pulumi.Input<string>;
  /**
   * Gateway.
   * An IP address; refused if it is an address that no host can have.
   */
  via?: pulumi.Input<string>;
  /**
   * Interface (left out: keepalived 2.3.2 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`).
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  device?: string;
  /**
   * Preferred source address.
   * An IP address; refused if it is an address that no host can have.
   */
  source?: pulumi.Input<string>;
  /**
   * Metric.
   * A metric (0–4294967295).
   */
  metric?: number;
  /**
   * Routing table; main where it is left out.
   * A routing table (1–4294967295).
   */
  table?: number;
}

/** `vrrp.virtualRules[]` */
export interface VirtualRuleConfig {
  /**
   * Source.
   * A subnet in CIDR form whose host bits are 0 (10.0.0.0/8), or an IP address; refused if it is an address that no host can have.
   */
  from?: pulumi.Input<string>;
  /**
   * Destination.
   * A subnet in CIDR form whose host bits are 0 (10.0.0.0/8), or an IP address; refused if it is an address that no host can have.
   */
  to?: pulumi.Input<string>;
  /**
   * Routing table looked into.
   * A routing table (1–4294967295).
   */
  table: number;
  /**
   * Order among the rules.
   * A rule's priority (1–32765).
   */
  priority: number;
}

/** `vrrp.syncDaemon` */
export interface SyncDaemonConfig {
  /**
   * Sync id; the first instance's virtual router id where it is left out.
   * A sync id (0–255).
   */
  id?: number;
  /**
   * Bytes of a datagram, at most; the interface's MTU where it is left out.
   * A number of bytes (1–65507).
   */
  maxLength?: number;
  /**
   * UDP port.
   * A port (1–65535).
   * @default 8848
   */
  port?: number;
  /**
   * TTL of its multicast; 1 where it is left out.
   * A TTL (1–255).
   */
  ttl?: number;
  /**
   * Multicast group; 224.0.0.81 where it is left out.
   * A multicast address.
   */
  group?: string;
}

/** `vrrp.interfaceDelays[]` */
export interface InterfaceDelayConfig {
  /**
   * Interface (keepalived 2.2.3 or later, so not on `debian11`).
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * Seconds that it must be down before it counts as down.
   * A number of seconds (0–255, in steps of 0.001).
   * @default 0
   */
  downSeconds?: number;
  /**
   * Seconds that it must be up before it counts as up (as long as an instance takes to miss a director: keepalived 2.3.3 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`).
   * A number of seconds (0–255, in steps of 0.001).
   * @default 0
   */
  upSeconds?: number;
}

/** `vrrp.instances[]` */
export interface InstanceConfig {
  /**
   * Unique: VI_1.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * Unique on the network segment.
   * A virtual router id (1–255).
   */
  virtualRouterId: number;
  /**
   * What is a director's own here, by its name.
   * Object: each key a name (lower-case letters, digits and dashes, 32 at most, a letter first), each value object.
   * @default {}
   */
  directors?: Record<string, InstanceDirectorConfig>;
  /**
   * As `vrrp.interface`, which holds where it is left out.
   * A network interface's name (15 characters at most); refused if it is a directive of keepalived.conf (include, includer …), or is the host's own loopback, which leads to no other host.
   */
  interface?: string;
  /**
   * As `vrrp.version`, which holds where it is left out.
   * `2`, `3`.
   */
  version?: 2 | 3;
  /**
   * As `vrrp.advertIntervalSeconds`, which holds where it is left out.
   * A number of seconds (0.01–255, in steps of 0.001).
   */
  advertIntervalSeconds?: number;
  /**
   * As `vrrp.unicast`, which holds where it is left out.
   * `true`, `false`.
   */
  unicast?: boolean;
  /**
   * As `vrrp.unicastTtl`, which holds where it is left out.
   * A TTL (1–255).
   */
  unicastTtl?: number;
  /**
   * As `vrrp.checkUnicastSource`, which holds where it is left out.
   * `true`, `false`.
   */
  checkUnicastSource?: boolean;
  /**
   * As `vrrp.multicastGroup`, which holds where it is left out (keepalived 2.2.5 or later, so not on `debian11`, `ubuntu2204`).
   * A multicast address (of IPv6, of the link's scope: ff02::12).
   */
  multicastGroup?: string;
  /**
   * As `vrrp.preempt`, which holds where it is left out.
   * `true`, `false`.
   */
  preempt?: boolean;
  /**
   * As `vrrp.preemptDelaySeconds`, which holds where it is left out.
   * A number of seconds (0–1000, in steps of 0.001).
   */
  preemptDelaySeconds?: number;
  /**
   * As `vrrp.downTimerAdverts`, which holds where it is left out (keepalived 2.2.3 or later, so not on `debian11`).
   * A number of adverts (1–100).
   */
  downTimerAdverts?: number;
  /**
   * As `vrrp.trackPrimaryInterface`, which holds where it is left out.
   * `true`, `false`.
   */
  trackPrimaryInterface?: boolean;
  /**
   * As `vrrp.accept`, which holds where it is left out.
   * `true`, `false`.
   */
  accept?: boolean;
  /**
   * As `vrrp.promoteSecondaries`, which holds where it is left out.
   * `true`, `false`.
   */
  promoteSecondaries?: boolean;
  /**
   * As `vrrp.smtpAlert`, which holds where it is left out.
   * `true`, `false`.
   */
  smtpAlert?: boolean;
  /**
   * As `vrrp.vmac`, which holds where it is left out (where `unicast` is true: keepalived 2.2.5 or later, so not on `debian11`, `ubuntu2204`).
   */
  vmac?: VmacConfig;
  /**
   * As `vrrp.garp`, which holds where it is left out.
   */
  garp?: InstanceGarpConfig;
  /**
   * As `vrrp.trackInterfaces`, which holds where it is left out.
   * List of interfaces.
   */
  trackInterfaces?: TrackInterfaceConfig[];
  /**
   * As `vrrp.trackScripts`, which holds where it is left out.
   * List of tracked scripts.
   */
  trackScripts?: TrackScriptConfig[];
  /**
   * As `vrrp.trackProcesses`, which holds where it is left out.
   * List of tracked processes.
   */
  trackProcesses?: TrackProcessConfig[];
  /**
   * As `vrrp.trackFiles`, which holds where it is left out.
   * List of tracked files.
   */
  trackFiles?: TrackFileConfig[];
  /**
   * As `vrrp.trackBfd`, which holds where it is left out.
   * List of BFD sessions.
   */
  trackBfd?: TrackBfdConfig[];
  /**
   * As `vrrp.notify`, which holds where it is left out.
   */
  notify?: NotifyConfig;
  /**
   * As `vrrp.virtualAddresses`, which holds where it is left out.
   * List of addresses.
   */
  virtualAddresses?: VirtualAddressConfig[];
  /**
   * As `vrrp.virtualRoutes`, which holds where it is left out.
   * List of routes.
   */
  virtualRoutes?: VirtualRouteConfig[];
  /**
   * As `vrrp.virtualRules`, which holds where it is left out.
   * List of rules.
   */
  virtualRules?: VirtualRuleConfig[];
  /**
   * As `vrrp.otherKeywords`, which holds where it is left out.
   * List of lines; each a keyword of keepalived.conf(5), alone or with words of letters, digits and _ . : , / % + = - behind it; refused if it is not a line of 200 characters at most.
   */
  otherKeywords?: string[];
}

/** `vrrp.instances[].directors.NAME` */
export interface InstanceDirectorConfig {
  /**
   * Its priority here; its own where it is left out.
   * A VRRP priority (1–254).
   */
  priority?: number;
  /**
   * Its own address on this instance's interface; its `vrrpAddress` where it is left out.
   * An address with its prefix (192.0.2.11/24); refused if it is an address that no host can have, or has the prefix 0, by which all there is would be on its segment (192.0.2.100/28).
   */
  vrrpAddress?: pulumi.Input<string>;
}

/** `vrrp.instances[].garp` */
export interface InstanceGarpConfig {
  /**
   * Seconds from becoming active to the second round; keepalived's 5 where it is left out.
   * A number of seconds (0–3600).
   */
  masterDelaySeconds?: number;
  /**
   * ARPs a round; keepalived's 5 where it is left out.
   * A number of ARPs (1–100).
   */
  masterRepeat?: number;
  /**
   * Seconds between rounds while active; never where it is left out.
   * A number of seconds (0–86400).
   */
  masterRefreshSeconds?: number;
  /**
   * ARPs of such a round; keepalived's 1 where it is left out.
   * A number of ARPs (1–100).
   */
  masterRefreshRepeat?: number;
  /**
   * Seconds to a second round after a lower director's advert was heard.
   * A number of seconds (0–3600).
   */
  lowerPrioDelaySeconds?: number;
  /**
   * ARPs of that round.
   * A number of ARPs (0–100).
   */
  lowerPrioRepeat?: number;
}

/** `vrrp.syncGroups[]` */
export interface SyncGroupConfig {
  /**
   * Unique: VG_1.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * Instances that change state together.
   * List of instances' names, 2 or more; each a name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  instances: string[];
  /**
   * Further interfaces that must be up.
   * List of interfaces.
   * @default []
   */
  trackInterfaces?: TrackInterfaceConfig[];
  /**
   * Scripts that must succeed.
   * List of tracked scripts.
   * @default []
   */
  trackScripts?: TrackScriptConfig[];
  /**
   * Processes that must run. The first that a director is given restarts its keepalived, which is a failover where it is active.
   * List of tracked processes.
   * @default []
   */
  trackProcesses?: TrackProcessConfig[];
  /**
   * Files whose number adds to the priority.
   * List of tracked files.
   * @default []
   */
  trackFiles?: TrackFileConfig[];
  /**
   * BFD sessions that must be up.
   * List of BFD sessions.
   * @default []
   */
  trackBfd?: TrackBfdConfig[];
  /**
   * Scripts of `scripts` run at a change of state.
   */
  notify?: SyncGroupNotifyConfig;
  /**
   * Mail to `email.to` at a change of state.
   * `true`, `false`.
   * @default false
   */
  smtpAlert?: boolean;
}

/** `vrrp.syncGroups[].notify` */
export interface SyncGroupNotifyConfig {
  /**
   * Run when a director becomes active.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  master?: string | ScriptCallConfig;
  /**
   * Run when it becomes standby.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  backup?: string | ScriptCallConfig;
  /**
   * Run when it has a fault.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  fault?: string | ScriptCallConfig;
  /**
   * Run when keepalived stops.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  stop?: string | ScriptCallConfig;
  /**
   * Run at every change, with type, name, state and priority as arguments.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  any?: string | ScriptCallConfig;
  /**
   * Changes of priority are told, too, by `daemon.vrrpNotifyFifo` or `daemon.notifyFifo`; an instance takes its sync group's, or else `false`, where it is left out.
   * `true`, `false`.
   */
  priorityChanges?: boolean;
}

/** `tracking` */
export interface TrackingConfig {
  /**
   * Scripts run again and again.
   * List of tracked scripts.
   * @default []
   */
  scripts?: ScriptConfig[];
  /**
   * Processes watched.
   * List of tracked processes.
   * @default []
   */
  processes?: ProcessConfig[];
  /**
   * Files watched.
   * List of tracked files.
   * @default []
   */
  files?: FileConfig[];
  /**
   * BFD sessions (RFC 5880).
   * List of BFD sessions.
   * @default []
   */
  bfd?: BfdConfig[];
}

/** `tracking.scripts[]` */
export interface ScriptConfig {
  /**
   * Unique: chk_uplink.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * Name in `scripts`.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most).
   */
  script: string;
  /**
   * Its arguments.
   * List of arguments; each an argument (200 characters at most, without spaces, quotes, braces, #, !, $ and \).
   */
  args?: string[];
  /**
   * Who runs it; `daemon.scriptUser` where it is left out.
   * A login name.
   */
  user?: string;
  /**
   * Seconds between runs (a fraction: keepalived 2.3.2 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`).
   * A number of seconds (0.1–3600, in steps of 0.001).
   * @default 1
   */
  intervalSeconds?: number;
  /**
   * Seconds that a run may take; the interval where it is left out (a fraction: keepalived 2.3.2 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`; more than the interval: keepalived 2.3.3 or later, so not on `debian11`, `debian12`, `ubuntu2204`, `ubuntu2404`).
   * A number of seconds (0.1–3600, in steps of 0.001).
   */
  timeoutSeconds?: number;
  /**
   * Successes that make it well.
   * A number of runs (1–1000).
   * @default 1
   */
  rise?: number;
  /**
   * Failures that make it ill.
   * A number of runs (1–1000).
   * @default 1
   */
  fall?: number;
  /**
   * Default weight where it is tracked; a fault where it is 0 or left out.
   * A weight (-253–253).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
  /**
   * It counts as ill until it has succeeded.
   * `true`, `false`.
   * @default false
   */
  initFail?: boolean;
}

/** `tracking.processes[]` */
export interface ProcessConfig {
  /**
   * Unique: proc_nginx.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * Name of the process.
   * A process's name (255 characters at most, without spaces, quotes, braces, #, !, $ and \).
   */
  process: string;
  /**
   * Its parameters; any where it is left out.
   * List of parameters; each a parameter (200 characters at most, without spaces, quotes, braces, #, !, $ and \).
   */
  parameters?: string[];
  /**
   * How `parameters` are compared.
   * `exact`, `initial`, `partial`.
   * @default exact
   */
  parameterMatch?: "exact" | "initial" | "partial";
  /**
   * The whole command line is compared.
   * `true`, `false`.
   * @default false
   */
  fullCommand?: boolean;
  /**
   * Default weight where it is tracked; a fault where it is 0 or left out.
   * A weight (-254–254).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
  /**
   * Processes, at least.
   * A number of processes (1–65535).
   * @default 1
   */
  quorum?: number;
  /**
   * Processes, at most.
   * A number of processes (0–65535).
   */
  quorumMax?: number;
  /**
   * Seconds from enough processes to well.
   * A number of seconds (0.01–3600, in steps of 0.001).
   */
  forkDelaySeconds?: number;
  /**
   * Seconds from too few to ill.
   * A number of seconds (0.01–3600, in steps of 0.001).
   */
  terminateDelaySeconds?: number;
}

/** `tracking.files[]` */
export interface FileConfig {
  /**
   * Unique: weight_web1.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * File with a number in it.
   * A file's absolute path of letters, digits and . _ @ + - (255 characters at most); refused if it is longer than 255 characters.
   */
  file: string;
  /**
   * Multiplies the number; 1 where it is left out.
   * A weight (-254–254).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
  /**
   * Written to the file when it isn't there.
   * A number (-254–254).
   */
  initialValue?: number;
}

/** `tracking.bfd[]` */
export interface BfdConfig {
  /**
   * Unique: bfd_web1.
   * A name (letters, digits, _ and -, 31 at most, a letter first); refused if it is a directive of keepalived.conf (include, includer …).
   */
  name: string;
  /**
   * Whom the session is with; by director's name where it differs.
   * An IP address; refused if it is an address that no host can have, or object: each key a name (lower-case letters, digits and dashes, 32 at most, a letter first), each value an IP address; refused if it is an address that no host can have.
   */
  neighbor: pulumi.Input<string> | Record<string, pulumi.Input<string>>;
  /**
   * Source address, by director's name.
   * Object: each key a name (lower-case letters, digits and dashes, 32 at most, a letter first), each value an IP address; refused if it is an address that no host can have.
   */
  source?: Record<string, pulumi.Input<string>>;
  /**
   * Milliseconds between packets received, at least.
   * A number of milliseconds (1–1000).
   * @default 50
   */
  minRxMilliseconds?: number;
  /**
   * Milliseconds between packets sent, at least.
   * A number of milliseconds (1–1000).
   * @default 50
   */
  minTxMilliseconds?: number;
  /**
   * The same while the session is down; 1000 where it is left out.
   * A number of milliseconds (1000–10000).
   */
  idleTxMilliseconds?: number;
  /**
   * Packets missed until it is down.
   * A number of packets (1–255).
   * @default 5
   */
  multiplier?: number;
  /**
   * It waits for the neighbour to begin.
   * `true`, `false`.
   * @default false
   */
  passive?: boolean;
  /**
   * TTL or hop limit of its packets.
   * A TTL (1–255).
   */
  ttl?: number;
  /**
   * Hops that a packet may have come.
   * A number of hops (-1–255).
   */
  maxHops?: number;
  /**
   * Port 4784 (RFC 5883) in place of 3784 (keepalived 2.2.8 or later, so not on `debian11`, `debian12`, `ubuntu2204`).
   * `true`, `false`.
   */
  multihop?: boolean;
  /**
   * Default weight where it is tracked; a fault where it is 0 or left out.
   * A weight (-253–253).
   */
  weight?: number;
  /**
   * The weight's sense is turned.
   * `true`, `false`.
   */
  reverse?: boolean;
}

/** `daemon` */
export interface DaemonConfig {
  /**
   * Nice value of the VRRP process (at 0, load on the host makes directors flip).
   * A nice value (-20–19).
   * @default -20
   */
  vrrpPriority?: number;
  /**
   * Nice value of the checker process.
   * A nice value (-20–19).
   * @default -10
   */
  checkerPriority?: number;
  /**
   * Real-time priority of the VRRP process (at 50 the kernel killed it under load).
   * A real-time priority (1–99).
   */
  vrrpRealtimePriority?: number;
  /**
   * Real-time priority of the checker process, which the kernel then kills if it works for 10 ms at a stretch; none where it is left out.
   * A real-time priority (1–99).
   */
  checkerRealtimePriority?: number;
  /**
   * CPUs that the VRRP process runs on, by number; all where it is left out. Taken out again, it holds until keepalived restarts.
   * List of CPUs' numbers, 1 or more, 128 at most; each a CPU's number (0–1023).
   */
  vrrpCpuAffinity?: number[];
  /**
   * CPUs that the checker process runs on, by number; all where it is left out. Taken out again, it holds until keepalived restarts.
   * List of CPUs' numbers, 1 or more, 128 at most; each a CPU's number (0–1023).
   */
  checkerCpuAffinity?: number[];
  /**
   * VRRP and checker processes stay in memory.
   * `true`, `false`.
   * @default false
   */
  noSwap?: boolean;
  /**
   * Seconds between keepalived's start and its first part in VRRP.
   * A number of seconds (0.001–3600, in steps of 0.001).
   */
  startupDelaySeconds?: number;
  /**
   * Who runs scripts that name no user.
   * A login name.
   * @default root
   */
  scriptUser?: string;
  /**
   * Script run when keepalived starts, which waits for it; a reload, by which `pulumi up` brings a change, runs none.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  startupScript?: string | StartupScriptConfig;
  /**
   * Script run when keepalived has ended its work.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  shutdownScript?: string | StartupScriptConfig;
  /**
   * FIFO that changes of VRRP instances and sync groups are written to.
   */
  vrrpNotifyFifo?: VrrpNotifyFifoConfig;
  /**
   * FIFO that changes of real servers and virtual servers are written to.
   */
  lvsNotifyFifo?: VrrpNotifyFifoConfig;
  /**
   * FIFO that both are written to.
   */
  notifyFifo?: NotifyFifoConfig;
  /**
   * `notifyUp` is run and FIFOs are told of real servers that keepalived starts with.
   * `true`, `false`.
   * @default false
   */
  realServerInitNotifies?: boolean;
  /**
   * Seconds after which IPVS forgets a connection: ipvsadm(8), --set.
   */
  ipvsTimeouts?: IpvsTimeoutsConfig;
  /**
   * Lines of `global_defs`, for keywords that have no key here. keepalived on each director must take them; what they change, nothing else reckons with.
   * List of lines; each a keyword of keepalived.conf(5), alone or with words of letters, digits and _ . : , / % + = - behind it; refused if it is not a line of 200 characters at most.
   * @default []
   */
  otherKeywords?: string[];
}

/** `daemon.startupScript` */
export interface StartupScriptConfig {
  /**
   * Name in `scripts`.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most).
   */
  script: string;
  /**
   * Its arguments.
   * List of arguments; each an argument (200 characters at most, without spaces, quotes, braces, #, !, $ and \).
   */
  args?: string[];
  /**
   * Who runs it; `daemon.scriptUser` where it is left out.
   * A login name.
   */
  user?: string;
  /**
   * Seconds after which it is killed; 10 where it is left out.
   * A number of seconds (1–60).
   */
  timeoutSeconds?: number;
}

/** `daemon.vrrpNotifyFifo` */
export interface VrrpNotifyFifoConfig {
  /**
   * Path of the FIFO, which keepalived makes in a folder that is there; only who runs its script can read it, or `daemon.scriptUser`.
   * A file's absolute path of letters, digits and . _ @ + - (255 characters at most); refused if it is longer than 255 characters, or is in a folder that everybody may write to; /run is not.
   */
  path: string;
  /**
   * Script that reads it, run by keepalived with the path as its last argument.
   * A script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most), or object.
   */
  script?: string | ScriptCallConfig;
}

/** `daemon.notifyFifo` */
export interface NotifyFifoConfig {
  /**
   * Path of the FIFO, which keepalived makes in a folder that is there; only who runs its script can read it, or `daemon.scriptUser`.
   * A file's absolute path of letters, digits and . _ @ + - (255 characters at most); refused if it is longer than 255 characters, or is in a folder that everybody may write to; /run is not.
   */
  path: string;
}

/** `daemon.ipvsTimeouts` */
export interface IpvsTimeoutsConfig {
  /**
   * Idle TCP connections; the kernel's 900 where it is left out.
   * A number of seconds (1–2678400).
   */
  tcpSeconds?: number;
  /**
   * After a FIN; the kernel's 120 where it is left out.
   * A number of seconds (1–2678400).
   */
  tcpFinSeconds?: number;
  /**
   * Idle UDP; the kernel's 300 where it is left out.
   * A number of seconds (1–2678400).
   */
  udpSeconds?: number;
}

/** `email` */
export interface EmailConfig {
  /**
   * Recipients.
   * List of mail addresses, 1 or more; each a mail address; refused if it is not a mail address (254 characters at most).
   */
  to: string[];
  /**
   * Sender.
   * A mail address; refused if it is not a mail address (254 characters at most).
   */
  from: string;
  /**
   * Mail server's address (a name would have to resolve at every config check).
   * An IP address; refused if it is an address that no host can have.
   */
  smtpServer: pulumi.Input<string>;
  /**
   * Its port.
   * A port (1–65535).
   * @default 25
   */
  smtpPort?: pulumi.Input<number>;
  /**
   * Name given in HELO; the host's where it is left out.
   * A host name.
   */
  heloName?: pulumi.Input<string>;
  /**
   * Seconds that it may take.
   * A number of seconds (1–3600).
   * @default 30
   */
  connectTimeoutSeconds?: number;
  /**
   * Faults of VRRP instances and sync groups are told, too.
   * `true`, `false`.
   * @default true
   */
  faults?: boolean;
}

/** `firewall` */
export interface FirewallConfig {
  /**
   * The host's firewall. `auto` installs nothing and switches nothing on: an ufw that is on lets in what the stack needs, and any other firewall is left alone. `ufw` (the cookbook's) and `nftables` are switched on; `none` leaves an ufw alone, too.
   * `auto`, `ufw`, `nftables`, `none`.
   * @default auto
   */
  backend?: "auto" | "ufw" | "nftables" | "none";
  /**
   * Sources that may reach everything on the hosts (the cookbook's value).
   * List of subnets; each a subnet in CIDR form whose host bits are 0 (10.0.0.0/8).
   * @default [10.0.0.0/8]
   */
  allowFrom?: pulumi.Input<string>[];
  /**
   * Sources that may log in by SSH, at the host's SSH port, beside `allowFrom`; each address that a change came from stays let in, too.
   * List of subnets; each a subnet in CIDR form whose host bits are 0 (10.0.0.0/8).
   * @default []
   */
  sshFrom?: pulumi.Input<string>[];
  /**
   * The hosts' own public subnet, let in as a whole (the cookbook's `public_prim_subnet`).
   * A subnet in CIDR form whose host bits are 0 (10.0.0.0/8).
   */
  publicSubnet?: pulumi.Input<string>;
}

/** `kernel` */
export interface KernelConfig {
  /**
   * `net.netfilter.nf_conntrack_max` on directors (the cookbook's value).
   * A number of connections (65536–2147483647).
   * @default 2000000
   */
  conntrackMax?: number;
  /**
   * The same on real servers (the cookbook's value).
   * A number of connections (65536–2147483647).
   * @default 1000000
   */
  realServerConntrackMax?: number;
  /**
   * Log2 of IPVS's connection hash buckets, read when ip_vs is loaded.
   * A number of bits (8–20).
   * @default 16
   */
  connTabBits?: number;
  /**
   * A director takes up TCP connections that it didn't see begin; true where a virtual server's scheduler is `mh`, so that streams outlive a director.
   * `true`, `false`.
   */
  sloppyTcp?: boolean;
  /**
   * Further sysctls of directors, name to value.
   * Object: each key a sysctl's name; refused if it is longer than 255 characters, each value an integer, or a sysctl's value.
   * @default {}
   */
  directorSysctls?: Record<string, number | string>;
  /**
   * Further sysctls of real servers, name to value.
   * Object: each key a sysctl's name; refused if it is longer than 255 characters, each value an integer, or a sysctl's value.
   * @default {}
   */
  realServerSysctls?: Record<string, number | string>;
}

/** `metrics` */
export interface MetricsConfig {
  /**
   * The distribution's prometheus-node-exporter on directors and real servers, with metrics of the load balancer in it (docs/operations.md).
   * `true`, `false`.
   * @default false
   */
  enabled?: boolean;
  /**
   * Sources that may read them, TCP port 9100, beside `firewall.allowFrom`, which may reach everything.
   * List of subnets; each a subnet in CIDR form whose host bits are 0 (10.0.0.0/8).
   * @default []
   */
  allowFrom?: pulumi.Input<string>[];
  /**
   * Seconds between two looks at the load balancer.
   * A number of seconds (5–60).
   * @default 15
   */
  intervalSeconds?: number;
}

/** `rollout` */
export interface RolloutConfig {
  /**
   * Real servers changed at once; each gets no new connections meanwhile.
   * A number of real servers (1–1000).
   * @default 1
   */
  maxUnavailable?: number;
  /**
   * Seconds that open connections have to end before a real server is changed.
   * A number of seconds (0–3600).
   * @default 30
   */
  drainSeconds?: number;
}
