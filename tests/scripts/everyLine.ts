// Whether a script's cases would miss each of its lines: they are enough when no line can go unseen.

/**
 * The lines that may be lost from a script without any run showing another thing than before: a `:` stands in their place.
 * @param runs what a script shows, case by case; the cases that show most come first, as the rest is for what they leave
 */
export function unmissedLines(
  script: string,
  runs: readonly ((script: string) => unknown)[],
): string[] {
  const shown = new Map<number, string>();
  const before = (i: number) => {
    const known = shown.get(i) ?? JSON.stringify(runs[i]?.(script));
    shown.set(i, known);
    return known;
  };
  const lines = script.split("\n");
  return lines.filter((line, at) => {
    // The shell needs no ;; before its esac. The language is a test of its own.
    if (/^\s*(#.*|;;|export LC_ALL=C)?$/.test(line)) return false;
    const lossy = lines.with(at, ":").join("\n");
    return runs.every((run, i) => JSON.stringify(run(lossy)) === before(i));
  });
}
