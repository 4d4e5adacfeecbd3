// Draws tables without lines: columns under a heading.
import Table from "cli-table3";
import type { Colors } from "picocolors/types";

/** A column's heading; `figures` aligns the column to the right. */
export type Heading = string | { figures: string };

/**
 * Draws rows under a heading. A cell may have several lines; colors don't count as width. Empty
 * without rows.
 */
export function table(
  heading: readonly Heading[],
  rows: readonly (readonly string[])[],
  colors: Colors,
  indent = "",
): string {
  if (rows.length === 0) return "";
  const drawn = new Table({
    chars: noLines,
    colAligns: heading.map((column) => (typeof column === "string" ? "left" : "right")),
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  drawn.push(
    heading.map((column) => colors.dim(typeof column === "string" ? column : column.figures)),
  );
  for (const row of rows) {
    // The last cell of a short row spans the rest: it says why the others are missing.
    const missing = heading.length - row.length;
    drawn.push(
      row.map((content, i) =>
        i === row.length - 1 && missing > 0 ? { content, colSpan: missing + 1 } : content,
      ),
    );
  }
  return drawn
    .toString()
    .split("\n")
    .map((line) => `${indent}${line.trimEnd()}`)
    .join("\n");
}

const noLines = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};
