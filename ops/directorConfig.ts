// What a director's keepalived.conf says, as far as the kernel and the log can be held to it.
import { isAdvertised } from "../components/render/advertised";
import { parse, type Statement } from "./import/syntax/parse";
import { shortestForm, kernelEndpoint, type ServiceName } from "./ipvs";

export interface DirectorConfig {
  instances: Instance[];
  /** Absent where connections aren't told to the other directors. */
  syncDaemon?: {
    interface: string;
    syncId?: number;
    /** Absent where master and backup run at once. */
    instance?: string;
  };
  services: Service[];
}

/** A VRRP instance. */
export interface Instance {
  name: string;
  interface: string;
  priority: number;
  /** It takes over from an active director of a lower priority. */
  preempt: boolean;
  /** What moves with it; IPv6 in its shortest form. */
  addresses: string[];
}

/** A virtual server. */
export interface Service {
  service: ServiceName;
  /** Its name in the stack config. */
  name: string;
  /** Absent in a fwmark service. */
  address?: string;
  port?: number;
  /** Only the director's own checks go through it: it has the real server alone that they ask. */
  forChecks: boolean;
  scheduler: string;
  schedulerFlags: string[];
  onePacketScheduling: boolean;
  persistenceSeconds: number;
  persistenceMask?: string;
  persistenceEngine?: string;
  realServers: Member[];
  /** `ADDRESS:PORT` in the kernel. */
  sorryServer?: string;
}

/** A real server of a virtual server. */
export interface Member {
  /** Its name in the stack config. */
  name: string;
  /** IPv6 in its shortest form. */
  address: string;
  /** `ADDRESS:PORT` in the kernel. */
  endpoint: string;
  /** The same in keepalived's log. */
  logged: string;
  forwarding: "DR" | "NAT" | "TUN";
  weight: number;
  upperThreshold: number;
  lowerThreshold: number;
  /** Its weight is what a check says. */
  weightIsDynamic: boolean;
  /** It is out until its checks have succeeded once: no line in the log says so. */
  startsOut: boolean;
  check?: HttpCheck;
}

/** What a check by HTTP asks for first. */
export interface HttpCheck {
  tls: boolean;
  path: string;
  virtualHost?: string;
  /** Status codes and ranges of them that are right: `200`, `200-299`. */
  statusCodes: string[];
}

/** Reads keepalived.conf as the stack writes it: names are in the comments above the blocks. */
export function readDirectorConfig(text: string): DirectorConfig {
  const { statements } = parse(text);
  const globals = statements.find(({ keyword }) => keyword === "global_defs")?.block ?? [];
  const [device, ...options] = find(globals, "lvs_sync_daemon")?.args ?? [];
  const instance = options[0] === "id" ? undefined : options[0];
  const [, id] = options.slice(options.indexOf("id"));
  const servers = statements.filter(({ keyword }) => keyword === "virtual_server");
  const marks = new Set(servers.flatMap(marksInUse));
  return {
    instances: statements.filter(({ keyword }) => keyword === "vrrp_instance").map(instanceOf),
    ...(device === undefined
      ? {}
      : {
          syncDaemon: {
            interface: device,
            ...(options.includes("id") ? { syncId: Number(id) } : {}),
            ...(instance === undefined ? {} : { instance }),
          },
        }),
    services: servers.map((server) => serviceOf(server, marks)),
  };
}

function instanceOf({ args: [name = ""], block = [] }: Statement): Instance {
  const addresses = ["virtual_ipaddress", "virtual_ipaddress_excluded"].flatMap(
    (keyword) => find(block, keyword)?.block ?? [],
  );
  return {
    name,
    interface: argument(block, "interface") ?? "",
    priority: Number(argument(block, "priority")),
    preempt: find(block, "nopreempt") === undefined,
    addresses: addresses
      .map(({ keyword }) => shortestForm(keyword.split("/")[0] ?? ""))
      .filter((address) => !isAdvertised(address)),
  };
}

function serviceOf({ args, above, block = [] }: Statement, marks: Set<string>): Service {
  const [address = "", port = ""] = args;
  const isMark = address === "fwmark";
  const servicePort = isMark ? 0 : Number(port);
  const members = block.filter(({ keyword }) => keyword === "real_server");
  const engine = argument(block, "persistence_engine");
  const mask = argument(block, "persistence_granularity");
  const sorry = find(block, "sorry_server")?.args;
  return {
    service: isMark
      ? `FWM ${port}${argument(block, "ip_family") === "inet6" ? " IPv6" : ""}`
      : `${argument(block, "protocol") ?? "TCP"} ${kernelEndpoint(address, Number(port))}`,
    name: above.at(-1) ?? args.join(" "),
    ...(isMark ? {} : { address: shortestForm(address), port: Number(port) }),
    forChecks: isMark && marks.has(port),
    scheduler: argument(block, "lvs_sched") ?? argument(block, "lb_algo") ?? "",
    schedulerFlags: schedulerFlags.filter((flag) => find(block, flag)).sort(),
    onePacketScheduling: find(block, "ops") !== undefined,
    persistenceSeconds: Number(argument(block, "persistence_timeout") ?? 0),
    ...(mask === undefined ? {} : { persistenceMask: mask }),
    ...(engine === undefined ? {} : { persistenceEngine: engine }),
    realServers: members.map((member) => memberOf(member, block, servicePort)),
    ...(sorry ? { sorryServer: sorryEndpoint(sorry, block, servicePort) } : {}),
  };
}

/** In the order in which ipvsadm(8) prints them. */
const schedulerFlags = ["sh-fallback", "sh-port", "mh-fallback", "mh-port"];

function memberOf(
  { args, above, block = [] }: Statement,
  service: Statement[],
  servicePort: number,
): Member {
  const [address = "", port = "0"] = args;
  const forwarding = forwardingOf(argument(block, "lvs_method") ?? argument(service, "lvs_method"));
  return {
    name: above.at(-1) ?? address,
    address: shortestForm(address),
    endpoint: kernelEndpoint(address, forwarding === "NAT" ? Number(port) : servicePort),
    logged: kernelEndpoint(address, Number(port)),
    forwarding,
    weight: Number(argument(block, "weight") ?? 1),
    upperThreshold: Number(argument(block, "uthreshold") ?? 0),
    lowerThreshold: Number(argument(block, "lthreshold") ?? 0),
    weightIsDynamic: block.some(
      (check) =>
        find(check.block ?? [], "misc_dynamic") !== undefined || check.keyword === "FILE_CHECK",
    ),
    startsOut: [service, block, ...block.map((check) => check.block ?? [])].some((level) =>
      isOn(find(level, "alpha")),
    ),
    ...httpCheck(block, service),
  };
}

/** Only NAT changes a port: IPVS takes the service's in any other case. */
function sorryEndpoint(
  [address = "", port = "0"]: string[],
  service: Statement[],
  servicePort: number,
): string {
  const method = argument(service, "sorry_server_lvs_method") ?? argument(service, "lvs_method");
  return kernelEndpoint(address, forwardingOf(method) === "NAT" ? Number(port) : servicePort);
}

function forwardingOf(word: string | undefined): Member["forwarding"] {
  return word === "NAT" || word === "TUN" ? word : "DR";
}

function httpCheck(block: Statement[], service: Statement[]): { check?: HttpCheck } {
  const check = find(block, "HTTP_GET") ?? find(block, "SSL_GET");
  if (check?.block === undefined) return {};
  const url = find(check.block, "url")?.block ?? [];
  const virtualHost = [url, check.block, block, service]
    .map((level) => argument(level, "virtualhost"))
    .find((host) => host !== undefined);
  return {
    check: {
      tls: check.keyword === "SSL_GET",
      path: argument(url, "path") ?? "/",
      ...(virtualHost === undefined ? {} : { virtualHost }),
      statusCodes: find(url, "status_code")?.args ?? ["200-299"],
    },
  };
}

/** The marks that the checks of a service's real servers put on their packets. */
function marksInUse({ block = [] }: Statement): string[] {
  return block
    .filter(({ keyword }) => keyword === "real_server")
    .flatMap((member) => member.block ?? [])
    .flatMap((check) => argument(check.block ?? [], "fwmark") ?? []);
}

/** keepalived's switches are on by their name alone. */
function isOn(statement: Statement | undefined): boolean {
  return statement !== undefined && !["off", "no", "false"].includes(statement.args[0] ?? "");
}

function find(block: Statement[], keyword: string): Statement | undefined {
  return block.find((statement) => statement.keyword === keyword);
}

function argument(block: Statement[], keyword: string): string | undefined {
  return find(block, keyword)?.args[0];
}
