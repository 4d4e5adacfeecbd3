// Draws the status for a person: problems first, then the active directors, the pools and the
// hosts.
import type { Colors } from "picocolors/types";
import { bytes, count, duration, figure, percent } from "../words";
import { table } from "../table";
import { printableIn } from "../printable";
import type {
  Director,
  Host,
  Pooled,
  Problem,
  RealServer,
  Status,
  VirtualAddress,
  VirtualServer,
} from "./look";

/** Draws the status; `colors` are picocolors', switched on or off. */
export function picture(told: Status, colors: Colors): string {
  const status = printableIn(told);
  const since = (time: string | null) =>
    time === null ? "-" : duration((Date.parse(status.at) - Date.parse(time)) / 1000);
  const isHeldUnknown = ({ instance }: VirtualServer) =>
    status.virtualAddresses.some((one) => one.instance === instance && one.holders === null);
  return [
    headline(status, colors),
    addresses(status.virtualAddresses, since, colors),
    ...status.virtualServers.map((server) => pool(server, isHeldUnknown(server), since, colors)),
    directors(status.directors, since, colors),
    realServers(status.realServers, colors),
    changes([...status.directors, ...status.realServers], since),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

type Since = (time: string | null) => string;

function headline({ stack, at, problems, deletionProtection }: Status, colors: Colors): string {
  const time = new Date(at).toLocaleTimeString("sv");
  const unprotected = deletionProtection === false ? "  deletion protection: off" : "";
  if (problems.length === 0) {
    return `${colors.bold(`lvs-ha ${stack}`)}  ${time}  ${colors.green("● healthy")}${unprotected}`;
  }
  const has = (severity: Problem["severity"]) => problems.some((one) => one.severity === severity);
  const verdict = has("outage")
    ? colors.bgRed(colors.white(colors.bold(" OUTAGE ")))
    : has("unknown")
      ? colors.bgYellow(colors.black(colors.bold(" UNKNOWN ")))
      : "";
  return [
    `${colors.bold(`lvs-ha ${stack}`)}  ${time}  ${verdict}${verdict && " "}${colors.red(`● ${count(problems.length, "problem")}`)}${unprotected}`,
    ...problems.map(({ severity, text }) =>
      severity === "outage"
        ? colors.red(colors.bold(`  ✘ ${text}`))
        : severity === "unknown"
          ? colors.yellow(colors.bold(`  ? ${text}`))
          : `  ${colors.yellow("▲")} ${text}`,
    ),
  ].join("\n");
}

function addresses(rows: VirtualAddress[], since: Since, colors: Colors): string {
  return table(
    ["VIRTUAL ADDRESS", "ACTIVE", "SINCE", "INSTANCE", "INTERFACE"],
    rows.map(({ address, holders, since: time, instance, interface: device }) => [
      colors.bold(address),
      holders === null
        ? colors.yellow(colors.bold("UNKNOWN"))
        : holders.length === 1
          ? colors.green(holders.join(""))
          : colors.red(colors.bold(holders.length === 0 ? "NOBODY" : holders.join(" AND "))),
      since(time),
      instance,
      device,
    ]),
    colors,
  );
}

function pool(server: VirtualServer, isHeldUnknown: boolean, since: Since, colors: Colors): string {
  const { name, service, scheduler, active, rates, sorryServer } = server;
  const carries = rates
    ? `${figure(rates.connections)} connections/s, ${figure(rates.inPackets)} packets/s in, ${bytes(rates.inBytes)}/s in`
    : "";
  const heading = [
    colors.bold(name),
    service,
    scheduler,
    active !== null
      ? `as ${active} has it`
      : isHeldUnknown
        ? colors.yellow("which director is active is not known")
        : colors.red("no director is active"),
    carries,
  ];
  const rows = server.realServers.map((member) => [
    member.name,
    member.endpoint,
    poolState(member, since, colors),
    weight(member),
    figureOr(member.activeConnections),
    Object.values(member.heardConnections).map(figure).join(", ") || "-",
    figureOr(member.inactiveConnections),
    figureOr(member.rates?.connections),
    figureOr(member.rates?.inPackets),
    member.rates ? bytes(member.rates.inBytes) : "-",
  ]);
  return [
    heading.filter((word) => word !== "").join("  "),
    table(
      [
        "REAL SERVER",
        "ADDRESS",
        "POOL",
        { figures: "WEIGHT" },
        { figures: "ACTIVE" },
        { figures: "STANDBY" },
        { figures: "INACTIVE" },
        { figures: "CONN/S" },
        { figures: "PKT/S" },
        { figures: "BYTE/S" },
      ],
      rows,
      colors,
      "  ",
    ),
    ...(sorryServer
      ? [
          `  sorry server ${sorryServer.endpoint} ${sorryServer.inUse === null ? "?" : sorryServer.inUse ? colors.red("answers") : "not needed"}`,
        ]
      : []),
  ].join("\n");
}

function figureOr(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : figure(value);
}

function weight({ weight: configured, liveWeight }: Pooled): string {
  if (liveWeight === null || liveWeight === configured) return String(configured);
  return `${liveWeight} (${configured})`;
}

/** One word when the directors agree; otherwise the state on each. */
function poolState({ states, outSince }: Pooled, since: Since, colors: Colors): string {
  const paint = (state: string) =>
    state === "in" ? colors.green(state) : state === "weight 0" ? state : colors.red(state);
  const different = new Set(Object.values(states));
  const [only] = different;
  if (only === undefined) return "?";
  const said =
    different.size === 1
      ? paint(only)
      : Object.entries(states)
          .map(([director, state]) => `${director} ${paint(state)}`)
          .join(", ");
  return outSince === null ? said : `${said} for ${since(outSince)}`;
}

function directors(rows: Director[], since: Since, colors: Colors): string {
  return table(
    [
      "DIRECTOR",
      "VRRP",
      "SYNC",
      { figures: "IPVS" },
      { figures: "CONNTRACK" },
      { figures: "MEMORY FREE" },
      "KEEPALIVED",
      "KERNEL",
    ],
    rows.map((director) =>
      director.unreachable === null
        ? [
            director.name,
            director.inMaintenance
              ? colors.yellow("in maintenance")
              : director.instances
                  .map(({ name, state, since: time }) => {
                    const shown = `${vrrpColor(state, colors)} ${since(time)}`;
                    return director.instances.length === 1 ? shown : `${name} ${shown}`;
                  })
                  .join("\n"),
            syncDaemons(director),
            figureOr(director.ipvsConnections),
            conntrack(director),
            memory(director),
            director.keepalived.version ?? "-",
            director.kernel ?? "-",
          ]
        : unreachable(director, colors),
    ),
    colors,
  );
}

function realServers(rows: RealServer[], colors: Colors): string {
  return table(
    [
      "REAL SERVER",
      "ANSWERS FOR",
      "ARP",
      { figures: "CONNTRACK" },
      { figures: "MEMORY FREE" },
      "KERNEL",
    ],
    rows.map((server) =>
      server.unreachable === null
        ? [
            server.name,
            server.virtualAddresses
              .map(({ address, interface: device, present }) =>
                present === null
                  ? `${address} on ${device}?`
                  : present
                    ? `${address} on ${device}`
                    : colors.red(`${address} is not on ${device}`),
              )
              .join("\n") || "-",
            arp(server, colors),
            conntrack(server),
            memory(server),
            server.kernel ?? "-",
          ]
        : unreachable(server, colors),
    ),
    colors,
  );
}

function syncDaemons({ syncDaemons: daemons }: Director): string {
  if (daemons === null) return "?";
  return daemons.length === 0 ? "-" : daemons.map(({ state }) => state).join(", ");
}

function arp({ arp: has }: RealServer, colors: Colors): string {
  if (has === null) return "-";
  if (has.quiet === null) return "?";
  return has.quiet ? "quiet" : colors.red("ANSWERS");
}

function vrrpColor(state: Director["instances"][number]["state"], colors: Colors): string {
  if (state === "MASTER") return colors.green(state);
  return state === "BACKUP" ? state : colors.red(state);
}

/**
 * The last run that changed each host, newest first; hosts changed by the same run share a line.
 */
function changes(hosts: Host[], since: Since): string {
  const byRun = new Map<string, { at: string; names: string[] }>();
  const known = hosts.flatMap(({ name, changed }) => (changed ? [{ name, changed }] : []));
  const newestFirst = known.toSorted((a, b) => Date.parse(b.changed.at) - Date.parse(a.changed.at));
  for (const { name, changed } of newestFirst) {
    const { at, stack, version, revision } = changed;
    const run = `${stack}, version ${version}${revision === null ? "" : `, ${revision}`}`;
    const one = byRun.get(run);
    if (one) one.names.push(name);
    else byRun.set(run, { at, names: [name] });
  }
  return [...byRun]
    .map(([run, { at, names }]) => `changed ${since(at)} ago by ${run}: ${names.join(", ")}`)
    .join("\n");
}

function conntrack({ conntrack: filled }: Pick<Director, "conntrack">): string {
  if (filled === null) return "-";
  const size = filled.bytes === null ? "" : `, ${bytes(filled.bytes)}`;
  return `${figure(filled.count)} of ${figure(filled.max)}, ${percent(filled.count, filled.max)}${size}`;
}

function memory({ memory: has }: Pick<Director, "memory">): string {
  return has === null ? "-" : `${bytes(has.availableBytes)} of ${bytes(has.totalBytes)}`;
}

function unreachable({ name, unreachable: why }: Director | RealServer, colors: Colors): string[] {
  return [name, colors.red(`unreachable: ${why ?? ""}`)];
}
