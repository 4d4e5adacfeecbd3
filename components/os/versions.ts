// Versions of programs, such as 2.3.3.

/** Negative where the first version is older. What stands behind a number, as in 3.245.0-alpha, doesn't count. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) =>
    version.split(".").map((part) => parseInt(part, 10)),
  );
  for (const i of [0, 1, 2]) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
