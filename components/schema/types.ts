// The small types that the stack config is made of: ports, addresses, names, each with the words of its error.
import { Address4, Address6 } from "ip-address";
import { z } from "zod";

export type Family = "inet" | "inet6";

/**
 * Addresses that no host can have, and what they are: RFC 1122 3.2.1.3, RFC 4291 2.5 and 2.7. The kernel takes none of them for a real
 * server's (ip_vs_new_dest() in ip_vs_ctl.c), nor those of IPv6 for an interface's (ipv6_add_addr() in addrconf.c).
 */
const nobodysRanges: [range: string, what: string][] = [
  ["0.0.0.0/32", "the unspecified address, which no host can have"],
  ["0.0.0.0/8", "of 0.0.0.0/8, this network, which no host can have"],
  ["224.0.0.0/4", "a multicast address, which no host can have"],
  ["255.255.255.255/32", "the broadcast address, which no host can have"],
  ["::/128", "the unspecified address, which no host can have"],
  ["::ffff:0:0/96", "an IPv4 address in IPv6's notation, which no host can have"],
  ["ff00::/8", "a multicast address, which no host can have"],
];

/** What no interface but lo has, so that no other host reaches it. */
const loopback: [range: string, what: string][] = [
  ["127.0.0.0/8", "a loopback address, which no other host reaches"],
  ["::1/128", "a loopback address, which no other host reaches"],
];

export const integer = (min: number, max: number, what: string) => {
  const error = `is not ${what} (${min}–${max})`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const port = integer(1, 65535, "a port");

export const weight = integer(0, 65535, "a weight");

/** A number of seconds in steps of a thousandth at most, or with more decimals. */
export const seconds = (min: number, max: number, decimals = 3) => {
  const error = `is not a number of seconds (${min}–${max}, in steps of ${10 ** -decimals})`;
  return z
    .number({ error })
    .min(min, { error })
    .max(max, { error })
    .refine((value) => Number(value.toFixed(decimals)) === value, { error });
};

export const flag = z.boolean({ error: "is not true or false" });

export const matching = (pattern: RegExp, allowed: string) =>
  z
    .string({ error: `is not ${allowed}` })
    .regex(pattern, { error: `is not ${allowed}`, abort: true });

export const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `is not one of ${values.join(", ")}` });

/** A list whose error says what it should hold. */
export const listOf = <T extends z.ZodType>(type: T, what: string) =>
  z.array(type, { error: `is not a list of ${what}` });

const text = (holds: (text: string) => boolean, allowed: string) =>
  z.string({ error: `is not ${allowed}` }).refine(holds, { error: `is not ${allowed}` });

/** A text that must be an address in one form, and one that a host can have. */
const hostsAddress = (
  hasForm: (text: string) => boolean,
  allowed: string,
  nobodys = [...nobodysRanges, ...loopback],
) =>
  z
    .string({ error: `is not ${allowed}` })
    .refine(hasForm, { error: `is not ${allowed}`, abort: true })
    .refine((value) => nobodysName(value, nobodys) === undefined, {
      error: ({ input }) =>
        `is ${nobodysName(String(input), nobodys) ?? "an address that no host can have"}`,
      abort: true,
    });

/** The same for a form that takes a prefix, which is not 0. */
const hostsAddressWithPrefix = (hasForm: (text: string) => boolean, allowed: string) =>
  hostsAddress(hasForm, allowed).refine((value) => !/\/0+$/.test(value), {
    error: "has the prefix 0, by which all there is would be on its segment (192.0.2.100/28)",
  });

/** A line of keepalived.conf(5) that is neither a block, a comment nor something that keepalived expands. */
export const keepalivedLine = matching(
  /^[a-z][a-z0-9_]*( [A-Za-z0-9_.:,/%+=-]+)*$/,
  "a keyword of keepalived.conf(5), alone or with words of letters, digits and _ . : , / % + = - behind it",
).max(200, { error: "is not a line of 200 characters at most" });

/** Lines of one block. */
export const otherKeywords = (block: string) =>
  listOf(keepalivedLine, "lines").describe(
    `Lines of \`${block}\`, for keywords that have no key here. keepalived on each director must take them; what they change, nothing else reckons with`,
  );

const isPlain = (value: string) => !value.includes("/") && familyOf(value) !== undefined;

/** An address that another host reaches. */
export const address = hostsAddress(isPlain, "an IP address");

/** An address that may be the asking host's own loopback. */
export const addressOrLoopback = hostsAddress(isPlain, "an IP address", nobodysRanges);

export const multicastAddress = (pattern: RegExp, allowed: string) =>
  text((value) => isPlain(value) && pattern.test(value), allowed);

export const ipv6Address = hostsAddress(
  (value) => !value.includes("/") && familyOf(value) === "inet6",
  "an IPv6 address",
  nobodysRanges,
);

export const addressWithPrefix = hostsAddressWithPrefix(
  (value) => /\/\d+$/.test(value) && familyOf(value) !== undefined,
  "an address with its prefix (192.0.2.11/24)",
);

export const ipv6AddressWithPrefix = hostsAddressWithPrefix(
  (value) => /\/\d+$/.test(value) && familyOf(value) === "inet6",
  "an IPv6 address with its prefix (2001:db8::11/64)",
);

export const virtualAddress = hostsAddressWithPrefix(
  (value) => familyOf(value) !== undefined,
  "an IP address (192.0.2.100, or with its prefix 192.0.2.100/28)",
);

export const subnet = text(
  (value) => /\/\d+$/.test(value) && isSubnet(value),
  "a subnet in CIDR form whose host bits are 0 (10.0.0.0/8)",
);

export const name = matching(
  /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
  "a name (lower-case letters, digits and dashes, 32 at most, a letter first)",
);

// In a list of names, each is its line's first word: keepalived.conf(5), "Include files".
const isDirective = (name: string) => /^include[rmwba]?$/.test(name);
const directive = { error: "is a directive of keepalived.conf (include, includer …)" };

/** A name inside keepalived.conf, where capitals and underscores are the custom: VI_1. */
export const blockName = matching(
  /^[A-Za-z][A-Za-z0-9_-]{0,30}$/,
  "a name (letters, digits, _ and -, 31 at most, a letter first)",
).refine((name) => !isDirective(name), directive);

export const interfaceName = matching(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/,
  "a network interface's name (15 characters at most)",
).refine((name) => !isDirective(name), directive);

/** An interface that leads to other hosts. */
export const linkName = interfaceName.refine((name) => name !== "lo", {
  error: "is the host's own loopback, which leads to no other host",
});

export const userName = matching(/^[a-z_][a-z0-9_-]{0,31}$/, "a login name");

export const path = matching(
  /^(\/\.{0,2}[\w@+-][\w.@+-]*){1,32}$/,
  "a file's absolute path of letters, digits and . _ @ + - (255 characters at most)",
).max(255, { error: "is longer than 255 characters" });

export const hostName = text(isHostName, "a host name");

export const hostAddress = hostsAddress(
  (value) => isHostName(value) || isPlain(value),
  "a host name or address",
  nobodysRanges,
);

// Not ssh-rsa: the command plugin then asks for SHA-1 signatures only, which OpenSSH refuses since 8.8.
export const hostKey = matching(
  /^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,}={0,3}( [\w.@-]+)?$/,
  'a public host key, Ed25519 or ECDSA, as ssh-keyscan prints it, without the address ("ssh-ed25519 AAAA…")',
);

// What ends in - is to be removed, in one + to be installed: apt-get(8). Only names in ++ are packages' own.
export const packageName = matching(
  /^[a-z0-9]([a-z0-9+.-]*([a-z0-9.]|\+\+))$/,
  "a package's name (without what apt-get would read as an action: - or + at its end)",
);

/** deb-version(7). */
export const packageVersion = matching(
  /^(\d{1,9}:)?\d[A-Za-z0-9.+~-]{0,60}$/,
  "a version of a Debian package (1:2.2.7-1+b2)",
);

export const sysctlName = matching(
  /^[a-z0-9_][a-z0-9_-]*([./][A-Za-z0-9_*:-]+)+$/,
  "a sysctl's name",
).max(255, { error: "is longer than 255 characters" });

export const sysctlValue = z
  .union(
    [z.int(), matching(/^[A-Za-z0-9_.:-]+( [A-Za-z0-9_.:-]+)*$/, "a sysctl's value").max(255)],
    {
      error:
        "is not a sysctl's value (a whole number, or words of letters, digits and _ . : -, 255 characters at most)",
    },
  )
  .transform(String);

/**
 * A word of keepalived.conf that is safe in quotes and without them: its comments (`#`, `!`), quotes, braces, parameters (`$`)
 * and escapes are not in it, and it begins no condition (`@`) or sequence (`~`): keepalived.conf(5), "Quoted strings".
 */
export const word = (max: number, what: string) =>
  matching(
    new RegExp(`^[\\w/.:,;=+*?&%^<>()|-][\\w/.:,;=+*?&%^<>()|@~-]{0,${max - 1}}$`),
    `${what} (${max} characters at most, without spaces, quotes, braces, #, !, $ and \\)`,
  );

/** A list of words on one line of keepalived.conf, which is read up to 1023 bytes. */
export const words = (max: number, what: string, plural: string) =>
  listOf(word(max, what), plural).refine(
    (list) => list.reduce((sum, { length }) => sum + length + 3, 0) <= 600,
    { error: "is more than keepalived reads on one line (600 characters)" },
  );

/** What a record of the config has by a name: `constructor` is a name like any other. */
export function valueAt<T>(record: Record<string, T> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** True for an IPv4 or IPv6 address, with or without a prefix. */
export function isAddress(text: string): boolean {
  return familyOf(text) !== undefined;
}

/** The family of an address or subnet; undefined where it is neither. */
export function familyOf(text: string): Family | undefined {
  if (/^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(text) && Address4.isValid(text)) return "inet";
  if (/^[0-9A-Fa-f:.]+(\/\d+)?$/.test(text) && text.includes(":") && Address6.isValid(text)) {
    return "inet6";
  }
  return undefined;
}

/** The family of an address that has been checked. */
export function checkedFamily(address: string): Family {
  return address.includes(":") ? "inet6" : "inet";
}

/** True when the address lies in the network (192.0.2.11/24). */
export function isInNetworkOf(address: string, network: string): boolean {
  const family = familyOf(address);
  if (family === undefined || family !== familyOf(network)) return false;
  return parsed(withoutPrefix(address)).isInSubnet(parsed(network));
}

/** True for an IPv6 address that means nothing without an interface: fe80::/10. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

/** True for an address that means the host itself. */
export function isLoopback(address: string): boolean {
  return nobodysName(address, loopback) !== undefined;
}

/**
 * What an address is to a network that holds it, if it is not a host's: RFC 1122 3.2.1.3, RFC 4291 2.6.1. Networks of two addresses have
 * two hosts: RFC 3021, RFC 6164.
 */
export function placeInNetwork(address: string, network: string): string | undefined {
  if (!isInNetworkOf(address, network)) return undefined;
  const [value, within] = [parsed(withoutPrefix(address)), parsed(network)];
  const family = checkedFamily(address);
  if (within.subnetMask >= (family === "inet" ? 31 : 127)) return undefined;
  if (value.bigInt() === within.startAddress().bigInt()) {
    return family === "inet" ? "the network address" : "the routers' anycast address";
  }
  return family === "inet" && value.bigInt() === within.endAddress().bigInt()
    ? "the broadcast address"
    : undefined;
}

/** The address alone, of one that may carry its prefix. */
export function withoutPrefix(address: string): string {
  return address.replace(/\/.*$/, "");
}

/** One spelling an address, so that 2001:DB8::0:1 and 2001:db8::1 are the same. */
export function canonical(address: string): string {
  return checkedFamily(address) === "inet6"
    ? new Address6(withoutPrefix(address)).correctForm()
    : withoutPrefix(address);
}

function nobodysName(text: string, ranges: [range: string, what: string][]): string | undefined {
  return ranges.find(([range]) => isInNetworkOf(text, range))?.[1];
}

function parsed(address: string): Address4 | Address6 {
  return checkedFamily(address) === "inet6" ? new Address6(address) : new Address4(address);
}

function isSubnet(text: string): boolean {
  if (familyOf(text) === undefined) return false;
  const network = parsed(text);
  return network.startAddress().bigInt() === network.bigInt();
}

function isHostName(text: string): boolean {
  return (
    /^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/.test(
      text,
    ) && !/^[\d.]+$/.test(text)
  );
}
