// Limits how often a test draws until a value is valid: with a broken rule the test fails instead
// of drawing forever.
import fc from "fast-check";

/**
 * Draws values until one is not refused. (fast-check's own `filter` has no limit.)
 *
 * @param tries more than any draw needs
 * @param refusal why a value is refused; undefined if it is accepted
 * @throws Error on a draw when every try is refused
 */
export function limitedTo<T>(
  tries: number,
  what: string,
  drawn: fc.Arbitrary<T>,
  refusal: (value: T) => string | undefined,
): fc.Arbitrary<T> {
  return new LimitedArbitrary(tries, what, drawn, refusal);
}

class LimitedArbitrary<T> extends fc.Arbitrary<T> {
  constructor(
    private readonly tries: number,
    private readonly what: string,
    private readonly drawn: fc.Arbitrary<T>,
    private readonly refusal: (value: T) => string | undefined,
  ) {
    super();
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<T> {
    let first: string | undefined;
    for (let i = 0; i < this.tries; i++) {
      const value = this.drawn.generate(random, biasFactor);
      const why = this.refusal(value.value);
      if (why === undefined) return value;
      first ??= why;
    }
    throw new Error(
      `no ${this.what} passes in ${this.tries} draws; the first refusal was:\n${first}`,
    );
  }

  override canShrinkWithoutContext(value: unknown): value is T {
    return this.drawn.canShrinkWithoutContext(value) && this.refusal(value) === undefined;
  }

  override shrink(value: T, context: unknown): fc.Stream<fc.Value<T>> {
    return this.drawn
      .shrink(value, context)
      .filter((smaller) => this.refusal(smaller.value) === undefined);
  }
}
