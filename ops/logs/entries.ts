// Lines of several hosts' journals, in one order.
import type { Colors } from "picocolors/types";
import { printable } from "../printable";

/** A line of a journal. */
export interface Entry {
  host: string;
  /** Unix time in seconds, as the host's clock had it. */
  at: number;
  /** `Keepalived_vrrp[1976]: (VI_1) Entering MASTER STATE` */
  text: string;
}

/** Entries of `journalctl -o short-unix`; further lines of an entry belong to it. */
export function entriesOf(host: string, printed: string): Entry[] {
  const entries: Entry[] = [];
  for (const line of printed.split("\n")) {
    const [, at, text] = /^(\d+\.\d+) \S+ (.*)$/s.exec(line) ?? [];
    const last = entries.at(-1);
    if (text !== undefined) entries.push({ host, at: Number(at), text });
    else if (last && line.trim() !== "") last.text += `\n${line}`;
  }
  return entries;
}

/** By time; entries of one host stay in their order. */
export function inOrder(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => a.at - b.at);
}

/** The entry as `--json` has it, with its time as ISO 8601. */
export function factsOf({ host, at, text }: Entry): { host: string; at: string; text: string } {
  return { host, at: new Date(at * 1000).toISOString(), text };
}

/** `2026-11-23 05:35:13.067  lvs1  Keepalived_vrrp[1976]: …`, in this machine's time zone. */
export function lineOf({ host, at, ...said }: Entry, width: number, colors: Colors): string {
  const text = printable(said.text);
  const date = new Date(at * 1000);
  const time = `${date.toLocaleString("sv")}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  const painted = /MASTER STATE|FAULT state|Removing service|Disabling service|Lost quorum/i.test(
    text,
  )
    ? colors.yellow(text)
    : text;
  return `${colors.dim(time)}  ${colors.bold(host.padEnd(width))}  ${painted}`;
}
