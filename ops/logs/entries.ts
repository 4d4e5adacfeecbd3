// Merges lines of several hosts' journals into one order.
import type { Colors } from "picocolors/types";
import { printable } from "../printable";

/** A journal entry, with the continuation lines of its message. */
export interface Entry {
  host: string;
  /** Unix time in seconds by the host's clock; null for lines before the first timestamp. */
  at: number | null;
  /** `Keepalived_vrrp[1976]: (VI_1) Entering MASTER STATE` */
  text: string;
}

/**
 * Reads `journalctl -o short-unix` line by line and passes on each entry once it is complete. No
 * line is lost.
 */
export class EntryReader {
  private open: Entry | undefined;
  private at: number | null = null;

  constructor(
    private readonly host: string,
    private readonly give: (entry: Entry) => void,
  ) {}

  /** Takes the next line. A line without a timestamp continues the entry before it. */
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

  /**
   * Passes on the latest entry. A continuation line that comes later becomes an entry of the same
   * time.
   */
  end(): void {
    const { open } = this;
    this.open = undefined;
    if (open) this.give(open);
  }
}

/** Parses the output of `journalctl -o short-unix`. */
export function entriesOf(host: string, printed: string): Entry[] {
  const entries: Entry[] = [];
  const reader = new EntryReader(host, (entry) => entries.push(entry));
  for (const line of printed.replace(/\n$/, "").split("\n")) reader.line(line);
  reader.end();
  return entries;
}

/** Sorts by time; entries of one host keep their order. */
export function inOrder(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
}

/** The entry for `--json`, with its time in ISO 8601. */
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
