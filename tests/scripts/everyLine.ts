// Checks a script's test cases: they are enough if the loss of any line shows in one of them.

/**
 * The lines that can be replaced by `:` without changing what any run shows.
 * @param runs each returns what the script shows in one case; put the cases that show most first,
 * because the others only run for the lines that remain
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
    // The shell needs no ;; before esac. The locale has a test of its own.
    if (/^\s*(#.*|;;|export LC_ALL=C)?$/.test(line)) return false;
    const lossy = lines.with(at, ":").join("\n");
    return runs.every((run, i) => JSON.stringify(run(lossy)) === before(i));
  });
}
