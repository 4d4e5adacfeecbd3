// What a rendered keepalived.conf means, read by the parser of `lvs import`; the model must agree
// with it.
import { isAdvertised } from "../../components/render/advertised";
import type { DirectorModel, HttpCheck, Member, Service } from "../../components/model";
import { parse, type Statement } from "../../ops/import/syntax/parse";
import { kernelEndpoint, shortestForm } from "../../ops/ipvs";

type Said = Omit<DirectorModel, "services" | "inMaintenance"> & {
  services: Omit<Service, "vrrpInstance" | "traffic">[];
};

/** The model that a config implies. Names come from the comments above the blocks. */
export function saidIn(text: string): Said {
  const { statements } = parse(text);
  const globals = statements.find(({ keyword }) => keyword === "global_defs")?.block ?? [];
  const [device, ...words] = find(globals, "lvs_sync_daemon")?.args ?? [];
  const sync = (option: string) =>
    words.includes(option) ? words[words.indexOf(option) + 1] : undefined;
  const servers = statements.filter(({ keyword }) => keyword === "virtual_server");
  const marks = new Set(servers.flatMap(marksInUse));
  return {
    instances: statements.filter(({ keyword }) => keyword === "vrrp_instance").map(instanceOf),
    ...(device === undefined
      ? {}
      : {
          syncDaemon: {
            interface: device,
            syncId: Number(sync("id")),
            group: sync("group") ?? "224.0.0.81",
            port: Number(sync("port") ?? 8848),
            ttl: Number(sync("ttl") ?? 1),
          },
        }),
    services: servers.map((server) => serviceOf(server, marks)),
  };
}

function instanceOf({ args: [name = ""], block = [] }: Statement): Said["instances"][number] {
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

function serviceOf(
  { args, above, block = [] }: Statement,
  marks: Set<string>,
): Said["services"][number] {
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
    isMark,
    forChecks: isMark && marks.has(port),
    scheduler: argument(block, "lvs_sched") ?? argument(block, "lb_algo") ?? "",
    schedulerFlags: schedulerFlags.filter((flag) => find(block, flag)).sort(),
    onePacketScheduling: find(block, "ops") !== undefined,
    persistenceSeconds: Number(argument(block, "persistence_timeout") ?? 0),
    ...(mask === undefined ? {} : { persistenceMask: mask }),
    ...(engine === undefined ? {} : { persistenceEngine: engine }),
    realServers: members.map((member) => memberOf(member, block, servicePort)),
    // The ports of a mark may serve different things.
    check: isMark ? undefined : members.map((member) => httpCheck(member, block)).find(Boolean),
    ...(sorry ? { sorryServer: sorryEndpoint(sorry, block, servicePort) } : {}),
  };
}

/** In ipvsadm(8)'s order. */
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
    port: Number(port),
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
  };
}

/** Only NAT changes the port; otherwise IPVS uses the service's. */
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

function httpCheck({ block = [] }: Statement, service: Statement[]): HttpCheck | undefined {
  const check = block.find(({ keyword }) => ["HTTP_GET", "SSL_GET"].includes(keyword));
  if (check?.block === undefined) return undefined;
  const url = find(check.block, "url")?.block ?? [];
  const virtualHost = [url, check.block, block, service]
    .map((level) => argument(level, "virtualhost"))
    .find((host) => host !== undefined);
  return {
    tls: check.keyword === "SSL_GET",
    path: argument(url, "path") ?? "/",
    virtualHost,
    statusCodes: find(url, "status_code")?.args ?? ["200-299"],
  };
}

/** The marks that checks of a service's real servers put on their packets. */
function marksInUse({ block = [] }: Statement): string[] {
  return block
    .filter(({ keyword }) => keyword === "real_server")
    .flatMap((member) => member.block ?? [])
    .flatMap((check) => argument(check.block ?? [], "fwmark") ?? []);
}

/** In keepalived a switch's name alone turns it on. */
function isOn(statement: Statement | undefined): boolean {
  return statement !== undefined && !["off", "no", "false"].includes(statement.args[0] ?? "");
}

function find(block: Statement[], keyword: string): Statement | undefined {
  return block.find((statement) => statement.keyword === keyword);
}

function argument(block: Statement[], keyword: string): string | undefined {
  return find(block, keyword)?.args[0];
}
