// Importing the stack's own keepalived.conf gives back the stack, as far as the file describes it.
import fc from "fast-check";
import { ownAddress, type InstanceSettings, type Settings } from "../../../components/settings";
import { stackArb } from "../../support/arbitraries";
import { runs, seed } from "../../support/draws";
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
      const settings = settingsOf(stack);
      fc.pre(!settings.instances.some((instance) => isShortOfAddresses(instance, settings)));
      const secrets: Record<string, string> =
        secured && settings.instances.some(({ version }) => version === 2)
          ? { vrrpAuthPass: "grr02" }
          : {};
      const { rendered, again, report } = roundTrip(stack, secrets);
      // keepalived doesn't read lines longer than 1022 bytes.
      fc.pre(
        !rendered.some((text) => text.split("\n").some((line) => Buffer.byteLength(line) > 1022)),
      );
      expect(again).toEqual(rendered);
      // An argument with a shell's special character (<) is imported, with a remark.
      expect(
        report.inexpressible.filter(({ why }) => !why.startsWith("keepalived runs no shell")),
      ).toEqual([]);
    }),
    { seed, numRuns: runs(25) },
  );
}, 600_000);

/**
 * An instance's own address of another family removes the director's address, which keepalived.conf
 * then doesn't mention.
 */
function isShortOfAddresses(
  { members, family }: InstanceSettings,
  { directors }: Settings,
): boolean {
  return members.some(({ name, address }) => {
    const director = directors.find((known) => known.name === name);
    return (
      address === undefined && director !== undefined && ownAddress(director, family) !== undefined
    );
  });
}
