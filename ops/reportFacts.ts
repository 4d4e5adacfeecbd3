// Parses answers that several commands read.
import { z } from "zod";
import { shortestForm } from "./ipvs";
import { linesOf, parsed, type Report, textOf } from "./report";

/** Parses `systemctl show`: `NAME=VALUE` lines. */
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
  /** The interface's link is up. */
  isUp: boolean;
}

const linksSchema = z.array(
  z.object({
    ifname: z.string(),
    flags: z.array(z.string()).default([]),
    addr_info: z.array(z.object({ local: z.string().optional() })).default([]),
  }),
);

/**
 * Parses `ip -j addr`: every address with its interface; empty where the host gave no answer.
 * @throws Unreachable when the answer is something else
 */
export function interfaceAddresses(report: Report): InterfaceAddress[] {
  if (textOf(report, "addresses") === "") return [];
  return parsed(report, "addresses", (text) =>
    linksIn(text).flatMap(({ ifname, flags, addr_info: addresses }) =>
      addresses.flatMap(({ local }) =>
        local === undefined
          ? []
          : [{ device: ifname, address: shortestForm(local), isUp: flags.includes("UP") }],
      ),
    ),
  );
}

function linksIn(text: string): z.output<typeof linksSchema> {
  const links = linksSchema.safeParse(asJson(text));
  if (links.success) return links.data;
  throw new Error(z.prettifyError(links.error).replaceAll("\n", " "));
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`it is not JSON: ${text.trimEnd().slice(0, 60)}`);
  }
}
