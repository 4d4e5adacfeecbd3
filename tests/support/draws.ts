// How many cases the properties draw, and which.

/** The same cases for everybody: what fails is then the change at hand. SEED=2 draws others, as the nightly run does by the date. */
export const seed = Number(process.env.SEED ?? 1);

/** Whether all is to be tried that there is to try, however long it takes. */
export const all = process.env.ALL_TESTS === "1";

/** How many: RUNS=5000 looks further. */
export function runs(usual: number, ofAllTests = usual): number {
  return Number(process.env.RUNS ?? (all ? ofAllTests : usual));
}

/** Of a list that takes long to try: all of it with `npm test -- --all`, one in so many otherwise. */
export function oneIn<T>(many: number, items: Iterable<T>): T[] {
  return [...items].filter((_, i) => all || i % many === seed % many);
}
