/** What a `tls` plugin must do: the same cases for the official one and the stand-in. */
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPlugin, isUnknownSecret, Plugin, secret, unknown, type Properties } from "./plugin";

const underTest = findPlugin("tls");
const token = "tls:index/privateKey:PrivateKey";
const testStandIn = underTest.isStandIn ? test : test.skip;

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-tls-"));
let plugin: Plugin;

beforeAll(async () => {
  plugin = await Plugin.start(underTest);
});

afterAll(async () => {
  await plugin.stop();
  rmSync(folder, { recursive: true });
});

describe(`the process (${underTest.description})`, () => {
  test("says its version and its schema", async () => {
    expect((await plugin.getPluginInfo()).getVersion()).toBe("5.6.1");
    expect(await plugin.getSchema()).toMatchObject({
      name: "tls",
      resources: { [token]: { requiredInputs: ["algorithm"] } },
    });
  });

  testStandIn("says that other types are not in the stand-in", async () => {
    await expect(plugin.check("tls:index/certRequest:CertRequest", {})).rejects.toThrow(
      /certRequest:CertRequest is not in this stand-in/,
    );
  });
});

describe("Check", () => {
  test.each<Properties>([
    { algorithm: "ED25519" },
    { algorithm: "RSA", rsaBits: 4096 },
    { algorithm: secret("ECDSA"), ecdsaCurve: "P384" },
    { algorithm: unknown },
  ])("takes %j as it is", async (inputs) => {
    expect(await plugin.check(token, inputs)).toEqual({ inputs, failures: [] });
  });

  test.each([
    ["no algorithm", {}, /algorithm/],
    ["another algorithm", { algorithm: "DSA" }, /RSA.*ECDSA.*ED25519/],
    ["another curve", { algorithm: "ECDSA", ecdsaCurve: "P-256" }, /P224.*P256.*P384.*P521/],
    ["a word for a number", { algorithm: "RSA", rsaBits: "many" }, /rsaBits|number/i],
  ])("refuses %s", async (_case, inputs, reason) => {
    const { failures } = await plugin.check(token, inputs);
    expect(failures).toHaveLength(1);
    expect(`${failures[0]?.property ?? ""}: ${failures[0]?.reason ?? ""}`).toMatch(reason);
  });
});

test("preview makes no key and leaves all of it open", async () => {
  const { outputs } = await plugin.create(token, { algorithm: "ED25519" }, { preview: true });
  expect(outputs).toMatchObject({
    algorithm: "ED25519",
    rsaBits: 2048,
    ecdsaCurve: "P224",
    publicKeyPem: unknown,
    publicKeyOpenssh: unknown,
    publicKeyFingerprintMd5: unknown,
    publicKeyFingerprintSha256: unknown,
  });
  for (const name of privateParts) {
    // As a secret or not: the SDK has these among its additionalSecretOutputs.
    expect(outputs[name] === unknown || isUnknownSecret(outputs[name] ?? {})).toBe(true);
  }
});

const privateParts = ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"] as const;

describe.each([
  [{ algorithm: "ED25519" }, "PRIVATE KEY", "ssh-ed25519"],
  [{ algorithm: "RSA" }, "RSA PRIVATE KEY", "ssh-rsa"],
  [{ algorithm: "RSA", rsaBits: 3072 }, "RSA PRIVATE KEY", "ssh-rsa"],
  [{ algorithm: "ECDSA", ecdsaCurve: "P256" }, "EC PRIVATE KEY", "ecdsa-sha2-nistp256"],
  [{ algorithm: "ECDSA", ecdsaCurve: "P384" }, "EC PRIVATE KEY", "ecdsa-sha2-nistp384"],
  [{ algorithm: "ECDSA", ecdsaCurve: "P521" }, "EC PRIVATE KEY", "ecdsa-sha2-nistp521"],
])("a key of %j", (inputs, pemLabel, sshType) => {
  let id: string;
  let outputs: Properties;

  beforeAll(async () => {
    ({ id, outputs } = await plugin.create(token, inputs));
  });

  test("keeps its settings, with the defaults, and shows no private half", () => {
    expect(outputs).toMatchObject({ rsaBits: 2048, ecdsaCurve: "P224", ...inputs, id });
    for (const name of privateParts) {
      expect(outputs[name]).toEqual(secret(revealed(outputs, name)));
    }
  });

  test("has one private half in three formats, and its public half", () => {
    const { publicKeyPem } = outputs as { publicKeyPem: string };
    expect(publicKeyPem).toMatch(/^-----BEGIN PUBLIC KEY-----\n[^]*\n-----END PUBLIC KEY-----\n$/);
    expect(revealed(outputs, "privateKeyPem")).toMatch(`-----BEGIN ${pemLabel}-----\n`);
    expect(revealed(outputs, "privateKeyPemPkcs8")).toMatch("-----BEGIN PRIVATE KEY-----\n");
    for (const name of ["privateKeyPem", "privateKeyPemPkcs8"] as const) {
      const key = createPrivateKey(revealed(outputs, name));
      expect(createPublicKey(key).export({ type: "spki", format: "pem" })).toBe(publicKeyPem);
      const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
      const signature = sign(hash, Buffer.from("text"), key);
      expect(verify(hash, Buffer.from("text"), publicKeyPem, signature)).toBe(true);
    }
  });

  test("is what ssh-keygen takes it for", () => {
    const { publicKeyOpenssh, publicKeyFingerprintMd5, publicKeyFingerprintSha256 } =
      outputs as Record<string, string>;
    const file = join(folder, "key");
    rmSync(file, { force: true });
    writeFileSync(file, revealed(outputs, "privateKeyOpenssh"), { mode: 0o600 });
    expect(keygen("-y", "-f", file)).toBe(publicKeyOpenssh);
    expect(publicKeyOpenssh).toMatch(new RegExp(`^${sshType} [A-Za-z0-9+/=]+\n$`));
    const [bits, sha256] = keygen("-l", "-f", file).split(" ");
    expect(publicKeyFingerprintSha256).toBe(sha256);
    expect(`MD5:${publicKeyFingerprintMd5 ?? ""}`).toBe(
      keygen("-l", "-E", "md5", "-f", file).split(" ")[1],
    );
    if ("rsaBits" in inputs) {
      expect(Number(bits)).toBe(inputs.rsaBits);
    }
  });

  test("has the SHA-1 of its public half as id", () => {
    const { publicKeyPem } = outputs as { publicKeyPem: string };
    const der = createPublicKey(publicKeyPem).export({ type: "spki", format: "der" });
    expect([der, trimmed(der)].map(sha1)).toContain(id);
  });
});

test("an ECDSA key is of curve P224 unless said, for which OpenSSH has no format", async () => {
  const { outputs } = await plugin.create(token, { algorithm: "ECDSA" });
  expect(outputs).toMatchObject({
    ecdsaCurve: "P224",
    privateKeyOpenssh: secret(""),
    publicKeyOpenssh: "",
    publicKeyFingerprintMd5: "",
    publicKeyFingerprintSha256: "",
  });
  const key = createPrivateKey(revealed(outputs, "privateKeyPem"));
  expect(key.asymmetricKeyDetails).toMatchObject({ namedCurve: "secp224r1" });
});

test("no key is like another", async () => {
  const keys = await Promise.all(
    [1, 2, 3].map(async () => plugin.create(token, { algorithm: "ED25519" })),
  );
  expect(new Set(keys.map(({ id }) => id)).size).toBe(3);
});

describe("Diff", () => {
  const old = { algorithm: "RSA", rsaBits: 2048 };

  test.each<[string, Properties, string[]]>([
    ["another algorithm", { ...old, algorithm: "ECDSA" }, ["algorithm"]],
    ["another length", { ...old, rsaBits: 4096 }, ["rsaBits"]],
    ["a curve", { ...old, ecdsaCurve: "P256" }, ["ecdsaCurve"]],
  ])("replaces the key for %s", async (_case, news, replaces) => {
    const { outputs } = await plugin.create(token, old);
    const diff = await plugin.diff(token, { oldInputs: old, olds: outputs, news });
    expect(diff).toMatchObject({ changes: true, replaces });
  });

  test("sees no change where there is none", async () => {
    const { outputs } = await plugin.create(token, old);
    const diff = await plugin.diff(token, { oldInputs: old, olds: outputs, news: old });
    expect(diff).toMatchObject({ changes: false, replaces: [] });
  });
});

test("a key is read back from the state, and deleted with nothing to do", async () => {
  const inputs = { algorithm: "ED25519" };
  const { id, outputs } = await plugin.create(token, inputs);
  const read = await plugin.read(token, id, outputs, inputs);
  expect(read).toMatchObject({ id, outputs: { publicKeyPem: outputs.publicKeyPem } });
  await plugin.delete(token, outputs);
});

function revealed(outputs: Properties, name: string): string {
  return (outputs[name] as { value: string }).value;
}

function keygen(...options: string[]): string {
  return execFileSync("ssh-keygen", options, { encoding: "utf8" });
}

function sha1(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}

/** Terraform's provider takes the DER for a string, and trims it. */
function trimmed(der: Buffer): Buffer {
  return Buffer.from(der.toString("latin1").replace(/[\t\n\v\f\r ]+$/, ""), "latin1");
}
