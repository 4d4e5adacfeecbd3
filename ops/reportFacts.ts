// Answers of a report that several commands read.
import { canonical } from "./ipvs";
import { linesOf, type Report, textOf } from "./report";

/** `systemctl show`: `NAME=VALUE` lines. */
export function properties(report: Report, question: string): Map<string, string> {
  return new Map(
    linesOf(report, question).map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

/** An address on an interface. */
export interface InterfaceAddress {
  device: string;
  /** IPv6 in its shortest form. */
  address: string;
  /** Its link is up. */
  isUp: boolean;
}

/** `ip -j addr`: every address and its interface. */
export function interfaceAddresses(report: Report): InterfaceAddress[] {
  const text = textOf(report, "addresses");
  if (text === "") return [];
  const links = JSON.parse(text) as {
    ifname: string;
    flags?: string[];
    addr_info?: { local?: string }[];
  }[];
  return links.flatMap(({ ifname, flags = [], addr_info = [] }) =>
    addr_info.flatMap(({ local }) =>
      local === undefined
        ? []
        : [{ device: ifname, address: canonical(local), isUp: flags.includes("UP") }],
    ),
  );
}
