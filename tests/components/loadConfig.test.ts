// The stack's program as the engine runs it: config and names of secrets in the environment; at the
// end outputs, or one error.
import * as pulumi from "@pulumi/pulumi";
import { secretNames } from "../../components/config";
import { withEnd } from "../../components/render/files";
import { insideSecret, register } from "../support/mocks";
import { smallStack } from "../support/stacks";

type Outputs = Record<"virtualAddresses" | "pool" | "ipvsTables", unknown>;

afterEach(() => {
  delete process.env.PULUMI_CONFIG_SECRET_KEYS;
});

/** Passes config as the language host does. */
function setConfig(plain: Record<string, unknown>, secrets: Record<string, string> = {}): void {
  const entries = [...Object.entries(plain), ...Object.entries(secrets)].map(([key, value]) => [
    `lvs-ha:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const names = Object.keys(secrets).map((key) => `lvs-ha:${key}`);
  // A key in another namespace is ignored.
  const config = Object.fromEntries([...entries, ["aws:region", "eu-west-1"]]) as Record<
    string,
    string
  >;
  process.env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(names);
  pulumi.runtime.setAllConfig(config, names);
}

/** Runs index.ts afresh. */
async function run() {
  let outputs: Outputs | undefined;
  const seen = await register(() => {
    jest.isolateModules(() => {
      jest.doMock("@pulumi/pulumi", () => pulumi);
      outputs = jest.requireActual<Outputs>("../../index");
    });
  });
  return { seen, outputs };
}

test("the program exports where clients connect, who answers them, and each director's table", async () => {
  setConfig(smallStack());
  const { outputs } = await run();
  expect(await plain(outputs)).toEqual({
    virtualAddresses: ["192.0.2.100/32"],
    pool: { "web 192.0.2.100:80 TCP": ["web1 192.0.2.21:80", "web2 192.0.2.22:80"] },
    ipvsTables: {
      lvs1: ["stdout of pair-lvs1-join"],
      lvs2: ["stdout of pair-lvs2-join"],
    },
  });
});

test("every secret of the config gets where it is meant to", async () => {
  const secrets = Object.fromEntries(
    secretNames.map((name) => [name, name === "vrrpAuthPass" ? "authPass" : name]),
  );
  const [director] = smallStack().directors;
  setConfig(
    {
      ...smallStack(),
      vrrp: { version: 2, advertIntervalSeconds: 1 },
      ssh: { proxy: { host: "10.10.0.1", hostKey: director.hostKey } },
    },
    secrets,
  );
  const { seen } = await run();
  expect(insideSecret(seen.get("pair-lvs1-secrets")?.inputs.stdin)).toBe(
    withEnd("auth_pass authPass\n"),
  );
  expect(insideSecret(seen.get("pair-lvs1-prepare")?.inputs.connection)).toMatchObject({
    password: "sshPassword",
    privateKey: "sshPrivateKey",
    privateKeyPassword: "sshPrivateKeyPassphrase",
    proxy: { password: "sshProxyPassword", privateKey: "sshProxyPrivateKey" },
  });
});

test("a config with errors ends the program with one line for each, which the engine shows without a stack trace", async () => {
  setConfig({ ...smallStack(), sshPassword: "in plain text", typo: 1 });
  const failed = run();
  await expect(failed).rejects.toBeInstanceOf(pulumi.RunError);
  await expect(failed).rejects.toThrow(
    /^the stack config has 2 errors; no host was touched:\n {2}typo: unknown key.*\n {2}sshPassword: is in plain text; set it with: pulumi config set --secret lvs-ha:sshPassword$/,
  );
});

test.each(["lvs_ha:firewall", "lvs-ah:pakages", "lvs:packages", "ha:vrrpAuthPass"])(
  "%s is in a namespace that nobody reads, and an error",
  async (whole) => {
    setConfig(smallStack());
    pulumi.runtime.setAllConfig({ ...pulumi.runtime.allConfig(), [whole]: "[]" });
    const right = whole.replace(/^[^:]*/, "lvs-ha");
    await expect(run()).rejects.toThrow(
      `the stack config has 1 error; no host was touched:\n  ${whole}: is in another namespace; write ${right}`,
    );
  },
);

test("one error is called one", async () => {
  const { virtualServers, ...others } = smallStack();
  expect(virtualServers).toHaveLength(1);
  setConfig(others);
  await expect(run()).rejects.toThrow(
    /^the stack config has 1 error; no host was touched:\n {2}virtualServers: is missing.*$/,
  );
});

test("a key that decides the stack's shape is refused where it is a secret", async () => {
  const { directors, ...others } = smallStack();
  setConfig(others, { directors: JSON.stringify(directors) });
  await expect(run()).rejects.toThrow("  directors: is secret, but it decides the stack's shape");
});

/** Outputs in the form that the engine shows. */
function plain(outputs: Outputs | undefined): Promise<unknown> {
  return new Promise((resolve) => {
    pulumi.output(outputs).apply(resolve);
  });
}
