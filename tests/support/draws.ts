// How many cases the properties draw, and with which seed.

/**
 * The same for everyone, so that a failure belongs to the change at hand. SEED=2 draws other cases;
 * the nightly run uses the date.
 */
export const seed = Number(process.env.SEED ?? 1);

/** Whether to run everything, however long it takes. */
export const all = process.env.ALL_TESTS === "1";

/** The number of cases; RUNS=5000 draws more. */
export function runs(usual: number, ofAllTests = usual): number {
  return Number(process.env.RUNS ?? (all ? ofAllTests : usual));
}

/** All items of a slow list with `npm test -- --all`, otherwise one in so many. */
export function oneIn<T>(many: number, items: Iterable<T>): T[] {
  return [...items].filter((_, i) => all || i % many === seed % many);
}
