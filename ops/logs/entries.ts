// Lines of several hosts' journals, in one order.
import type { Colors } from "picocolors/types";
import { printable } from "../printable";

/** A line of a journal, with the further lines of its message. */
export interface Entry {
  host: string;
  /** Unix time in seconds, as the host's clock had it; null of what stands before the first entry that has one. */
  at: number | null;
  /** `Keepalived_vrrp[1976]: (VI_1) Entering MASTER STATE` */
  text: string;
}

/** Entries of `journalctl -o short-unix`, line by line: each is given once it is whole. No line is lost. */
export class EntryReader {
  private open: Entry | undefined;
  private at: number | null = null;

  constructor(
    private readonly host: string,
    private readonly give: (entry: Entry) => void,
  ) {}

  /** The next line; one that begins no entry belongs to the one before. */
  line(line: string): void {
    const [, at, text] = /^(\d{1,11}\.\d+) \S+ (.*)$/s.exec(line) ?? [];
    if (text !== undefined) {
      this.end();
      this.at = Number(at);
      this.open = { host: this.host, at: this.at, text };
    } else if (this.open) {
      this.open.text += `\n${line}`;
    } else if (line.trim() !== "") {
      this.open = { host: this.host, at: this.at, text: line };
    }
  }

  /** Nothing more belongs to the latest entry, as far as is known: a further line becomes an entry with the same time. */
  end(): void {
    const { open } = this;
    this.open = undefined;
    if (open) this.give(open);
  }
}

/** Entries of `journalctl -o short-unix`. */
export function entriesOf(host: string, printed: string): Entry[] {
  const entries: Entry[] = [];
  const reader = new EntryReader(host, (entry) => entries.push(entry));
  for (const line of printed.replace(/\n$/, "").split("\n")) reader.line(line);
  reader.end();
  return entries;
}

/** By time; entries of one host stay in their order. */
export function inOrder(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
}

/** The entry as `--json` has it, with its time as ISO 8601. */
export function factsOf({ host, at, text }: Entry): {
  host: string;
  at: string | null;
  text: string;
} {
  return { host, at: at === null ? null : new Date(at * 1000).toISOString(), text };
}

/** `2026-11-23 05:35:13.067  lvs1  Keepalived_vrrp[1976]: …`, in this machine's time zone. */
export function lineOf({ host, at, ...said }: Entry, width: number, colors: Colors): string {
  const text = printable(said.text);
  const painted = /MASTER STATE|FAULT state|Removing service|Disabling service|Lost quorum/i.test(
    text,
  )
    ? colors.yellow(text)
    : text;
  return `${colors.dim(timeOf(at))}  ${colors.bold(host.padEnd(width))}  ${painted}`;
}

function timeOf(at: number | null): string {
  if (at === null) return " ".repeat("2026-11-23 05:35:13.067".length);
  const date = new Date(at * 1000);
  return `${date.toLocaleString("sv")}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
