// The examples are working stacks: valid, accepted by keepalived, complete for the engine, and
// listed where users look.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LvsHaPair } from "../components";
import { renderKeepalived, renderSecrets } from "../components/render/keepalived";
import { example, exampleNames, examplesFolder } from "./support/examples";
import { configTest, suites, unpack, type KeepalivedVersion } from "./support/keepalived";
import { register } from "./support/mocks";
import { argsOf, settingsOf } from "./support/stacks";

/** Secrets that the comment at the head of an example says to set. */
const secrets: Record<string, Record<string, string>> = { cookbook: { vrrpAuthPass: "grr02" } };

const settings = (name: string) => settingsOf(example(name), secrets[name]);

test("there are examples for what people come with", () => {
  expect(exampleNames.length).toBeGreaterThanOrEqual(9);
});

describe.each(exampleNames)("%s", (name) => {
  const text = readFileSync(join(examplesFolder, `${name}.yaml`), "utf8");
  const { vrrpAuthPass } = secrets[name] ?? {};

  test("is right by the schema and its rules", () => {
    expect(() => settings(name)).not.toThrow();
  });

  test.each(Object.keys(suites) as KeepalivedVersion[])(
    "renders for each director what keepalived %s accepts",
    async (version) => {
      const folder = await unpack(version);
      const { directors } = settings(name);
      for (const director of directors) {
        const conf = renderKeepalived(settings(name), director, vrrpAuthPass !== undefined);
        expect([
          director.name,
          configTest(folder, conf, vrrpAuthPass && renderSecrets(vrrpAuthPass)),
        ]).toEqual([director.name, { code: 0, says: "" }]);
      }
    },
    300_000,
  );

  test("becomes a pair whose directors and real servers each have all their steps", async () => {
    const { directors, realServers } = settings(name);
    const seen = await register(() => {
      new LvsHaPair("pair", argsOf(example(name), secrets[name]));
    });
    for (const host of directors)
      expect([...seen.keys()]).toContain(`pair-${host.name}-keepalived`);
    for (const host of realServers) expect([...seen.keys()]).toContain(`pair-${host.name}-system`);
  });

  test("begins with what it is for, and shows no host key that could be somebody's", () => {
    expect(text).toMatch(/^# \S.*\n/);
    for (const [, key] of text.matchAll(/ssh-ed25519 (\S+)/g)) {
      expect(key).toMatch(/^AAAAC3NzaC1lZDI1NTE5AAAAIReplaceThisByTheHostKeyOf[A-Z]/);
    }
  });

  test("uses addresses that are set aside for documentation or private networks", () => {
    const addresses = [...text.matchAll(/\b\d+\.\d+\.\d+\.\d+\b|\b[0-9a-f]+(?::[0-9a-f]*){2,}/g)];
    expect(addresses.length).toBeGreaterThan(0);
    for (const [address] of addresses) {
      // RFC 5737, RFC 3849, RFC 1918; and addresses that belong to no host: 0.0.0.0, VRRP's group.
      expect(address).toMatch(
        /^(192\.0\.2|198\.51\.100|203\.0\.113)\.|^2001:db8:|^10\.|^0\.0\.0\.0$|^224\.0\.0\.18$/,
      );
    }
  });

  test("is listed in examples/README.md", () => {
    const index = readFileSync(join(examplesFolder, "README.md"), "utf8");
    expect(index).toContain(`[${name}.yaml](${name}.yaml)`);
  });
});

test("examples/README.md lists nothing that isn't there", () => {
  const index = readFileSync(join(examplesFolder, "README.md"), "utf8");
  const listed = [...index.matchAll(/\]\(([\w-]+)\.yaml\)/g)].map(([, name]) => name);
  expect(listed.sort()).toEqual(exampleNames.sort());
});

test("a sorry server that is among the real servers gets the VIP and is let in, but is in no pool", async () => {
  const seen = await register(() => {
    new LvsHaPair("pair", argsOf(example("https-sorry-server")));
  });
  const text = (resource: string) => String(seen.get(resource)?.inputs.stdin);
  expect(text("pair-sorry-system")).toContain("\n192.0.2.100 lo\n");
  expect(text("pair-sorry-system")).toContain("allow to 192.0.2.100 port 443 proto tcp\n");
  expect(text("pair-lvs1-keepalived")).not.toContain("real_server 192.0.2.30");
});
