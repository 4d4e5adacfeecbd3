// Imports a stack's own keepalived.conf, fills in the placeholders, and renders it again.
import { renderKeepalived } from "../../../components/render/keepalived";
import type { Settings } from "../../../components/settings";
import { importConfig, type Report } from "../../../ops/import";
import { settingsOf } from "../../support/stacks";

type Plain = Record<string, unknown>;
type Entry = Plain & { name?: string };

/** Each director's keepalived.conf, rendered by the stack and by the stack imported from it. */
export function roundTrip(
  stack: Plain,
  secrets: Record<string, string> = {},
  imported: "every director" | "the first director" = "every director",
): { rendered: string[]; again: string[]; report: Report; yaml: string } {
  const settings = settingsOf(stack, secrets);
  const rendered = conf(settings, secrets);
  const [first = "", ...others] = rendered;
  const config = (text: string, i: number) => ({ file: `lvs${i + 1}.conf`, text });
  const {
    report,
    yaml,
    config: read,
  } = importConfig([
    config(first, 0),
    ...(imported === "every director" ? others.map((text, i) => config(text, i + 1)) : []),
  ]);
  const again = settingsOf(filledIn(read, stack), secrets);
  return { rendered, again: conf(again, secrets), report, yaml };
}

function conf(settings: Settings, secrets: Record<string, string>): string[] {
  return settings.directors.map((director) =>
    renderKeepalived(settings, director, secrets.vrrpAuthPass !== undefined),
  );
}

/** Fills in the stack's values for what keepalived.conf doesn't contain. */
function filledIn(read: Plain, stack: Plain): Plain {
  const known = stack.directors as Entry[];
  const directors = read.directors as Entry[];
  const renamed = new Map(directors.map(({ name }, i) => [String(name), String(known[i]?.name)]));
  const vrrp = (read.vrrp ?? {}) as { instances?: (Entry & { directors?: Plain })[] };
  const original = (stack.vrrp ?? {}) as typeof vrrp;
  return {
    ...read,
    os: stack.os ?? "debian12",
    directors: directors.map((entry, i) => {
      const own = known[i] ?? {};
      return {
        ...Object.fromEntries(
          Object.entries(entry).map(([key, value]) => [key, filled(value, own[key], own)]),
        ),
        name: own.name,
        os: own.os,
        syncAddress: own.syncAddress,
        ...(own.priority === undefined && isOpen(entry.priority) ? { priority: 150 - 10 * i } : {}),
      };
    }),
    ...(vrrp.instances
      ? {
          vrrp: {
            ...vrrp,
            instances: vrrp.instances.map((instance) => {
              const before = original.instances?.find(({ name }) => name === instance.name);
              return {
                ...instance,
                directors: Object.fromEntries(
                  Object.entries(instance.directors ?? {}).map(([name, part]) => {
                    const director = renamed.get(name) ?? name;
                    const own = (before?.directors?.[director] ?? {}) as Plain;
                    return [director, filledPart(part as Plain, own)];
                  }),
                ),
              };
            }),
          },
        }
      : {}),
    virtualServers: (read.virtualServers as Entry[]).map((service) => {
      const before = (stack.virtualServers as Entry[]).find(({ name }) => name === service.name);
      return service.traffic === undefined
        ? service
        : {
            ...service,
            traffic: (before?.traffic as { address: string }[]).map((flow) => ({
              ...flow,
              address: withPrefix(flow.address),
            })),
            vrrpInstance: before?.vrrpInstance,
          };
    }),
    ...(read.scripts === undefined ? {} : { scripts: stack.scripts }),
  };
}

function filledPart(part: Plain, own: Plain): Plain {
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, filled(value, own[key], own)]),
  );
}

/**
 * The stack's value for a placeholder. An address without its prefix gets the prefix of the
 * director's same address.
 */
function filled(value: unknown, before: unknown, own: Plain): unknown {
  if (!isOpen(value)) return value;
  const address = String(value).split("/")[0] ?? "";
  const known = [own.vrrpAddress, own.vrrpAddress6].find(
    (written) => typeof written === "string" && written.split("/")[0] === address,
  );
  if (known !== undefined) return known;
  if (address === "FILL_IN") return before;
  // An instance's own address. The file doesn't give its prefix, so the director's is used.
  const family = (written: unknown) => String(written).includes(":");
  const other = [own.vrrpAddress, own.vrrpAddress6].find(
    (written) => family(written) === family(address),
  );
  return `${address}/${String(other).split("/")[1] ?? "24"}`;
}

function withPrefix(address: string): string {
  return address.includes("/") ? address : `${address}/${address.includes(":") ? 128 : 32}`;
}

function isOpen(value: unknown): boolean {
  return typeof value === "string" && value.includes("FILL_IN");
}
