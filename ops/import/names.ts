// Names that the stack needs and keepalived.conf lacks: taken from comments, or made up.
import { canonical, checkedFamily, name as nameType, type Family } from "../../components/schema";
import { tellsSecret } from "./secrets";
import type { Statement } from "./syntax/parse";

/** The names in use. */
export class Names {
  private readonly taken = new Set<string>();
  /** The next number by stem. */
  private readonly numbers = new Map<string, number>();

  /** The first of the wanted names that is free; if none is, the last one with a number. */
  take(...wanted: (string | undefined)[]): string {
    const names = wanted.filter((name) => name !== undefined && name !== "");
    const free = names.find((name) => !this.taken.has(name ?? ""));
    let name = free ?? "";
    const stem = (names.at(-1) ?? "x").slice(0, 28);
    for (let i = this.numbers.get(stem) ?? 2; name === ""; i++) {
      const numbered = `${stem}-${i}`;
      if (!this.taken.has(numbered)) name = numbered;
      this.numbers.set(stem, i + 1);
    }
    this.taken.add(name);
    return name;
  }
}

/** A real server, with the address that virtual servers of each family forward to. */
export interface RealServerReading {
  name: string;
  addresses: Partial<Record<Family, string>>;
  /** The name comes from a comment. */
  named: boolean;
}

/** The real servers found so far. */
export class RealServers {
  readonly all: RealServerReading[] = [];
  private readonly byAddress = new Map<string, RealServerReading>();

  constructor(private readonly names: Names) {}

  /**
   * The name of the real server at an address. Addresses of different families with the same
   * commented name are one host.
   */
  at(address: string, comment: string | undefined): string {
    const family = checkedFamily(address);
    const spelt = canonical(address);
    const known = this.byAddress.get(spelt);
    if (known) return known.name;
    const other =
      comment === undefined
        ? undefined
        : this.all.find(
            ({ name, named, addresses }) =>
              named && name === comment && addresses[family] === undefined,
          );
    if (other) {
      other.addresses[family] = address;
      this.byAddress.set(spelt, other);
      return other.name;
    }
    const name = this.names.take(comment, `real${this.all.length + 1}`);
    const own = { name, addresses: { [family]: address }, named: name === comment };
    this.all.push(own);
    this.byAddress.set(spelt, own);
    return name;
  }
}

/** The name in a statement's comment, if the comment is just a name. */
export function commentedName({ above, beside }: Statement): string | undefined {
  for (const comment of [beside, above.at(-1)]) {
    if (comment === undefined || tellsSecret(comment)) continue;
    if (nameType.safeParse(comment).success) return comment;
    if (!/^[A-Za-z][\w.-]*( [\w.-]+){0,2}$/.test(comment)) continue;
    const name = comment
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/-$/, "");
    if (nameType.safeParse(name).success) return name;
  }
  return undefined;
}

/** Common services by port, to name virtual servers without a comment. */
const portNames: Partial<Record<number, string>> = {
  21: "ftp",
  22: "ssh",
  25: "smtp",
  53: "dns",
  80: "http",
  110: "pop3",
  123: "ntp",
  143: "imap",
  389: "ldap",
  443: "https",
  465: "smtps",
  514: "syslog",
  587: "submission",
  636: "ldaps",
  993: "imaps",
  995: "pop3s",
  1812: "radius",
  3306: "mysql",
  3389: "rdp",
  5060: "sip",
  5432: "postgresql",
  6379: "redis",
  6443: "kubernetes",
};

/** A name for a virtual server: its port's service, or protocol and port. */
export function nameOfPort(port: number, protocol: string): string {
  return portNames[port] ?? `${protocol.toLowerCase()}-${port}`;
}
