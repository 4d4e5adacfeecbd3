// Importing what the stack itself rendered gives back the stack, as far as keepalived.conf says it.
import fc from "fast-check";
import { stackArb } from "../../support/arbitraries";
import { settingsOf } from "../../support/stacks";
import { roundTrip } from "./roundTrip";
import { stacks } from "./stacks";

describe.each(Object.entries(stacks))("%s", (_, { stack, authPass }) => {
  const secrets: Record<string, string> = authPass === undefined ? {} : { vrrpAuthPass: authPass };

  test("imported from every director, it renders every director's keepalived.conf again", () => {
    const { rendered, again, report } = roundTrip(stack, secrets);
    expect(again).toEqual(rendered);
    expect({ changed: report.changed, inexpressible: report.inexpressible }).toEqual({
      changed: [],
      inexpressible: [],
    });
  });

  test("imported from one director, it renders that director's keepalived.conf again", () => {
    const { rendered, again, report } = roundTrip(stack, secrets, "the first director");
    expect(again[0]).toEqual(rendered[0]);
    expect({ changed: report.changed, inexpressible: report.inexpressible }).toEqual({
      changed: [],
      inexpressible: [],
    });
  });
});

test("any stack comes back", () => {
  fc.assert(
    fc.property(stackArb(), fc.boolean(), (stack, secured) => {
      const versions = settingsOf(stack).instances.map(({ version }) => version);
      const secrets: Record<string, string> =
        secured && versions.includes(2) ? { vrrpAuthPass: "grr02" } : {};
      const { rendered, again, report } = roundTrip(stack, secrets);
      expect(again).toEqual(rendered);
      expect(report.inexpressible).toEqual([]);
    }),
    { numRuns: Number(process.env.RUNS ?? 30) },
  );
}, 600_000);
