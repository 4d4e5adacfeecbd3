/**
 * Stand-in for the official `tls` plugin, for machines that can't download it. It offers only
 * `tls:index/privateKey:PrivateKey`, which is Terraform's tls_private_key.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Fields } from "./check";
import { opensshPrivateKey, opensshPublicBlob, opensshPublicKey } from "./openssh";
import { revealed, secret, unknownValue, type Properties } from "./properties";
import { serve, type ResourceType } from "./server";

const inputs: Fields = {
  algorithm: { type: "string", oneOf: ["RSA", "ECDSA", "ED25519"], required: true },
  rsaBits: { type: "integer" },
  ecdsaCurve: { type: "string", oneOf: ["P224", "P256", "P384", "P521"] },
};

const outputs: Fields = {
  privateKeyPem: { type: "string", secret: true, required: true },
  privateKeyOpenssh: { type: "string", secret: true, required: true },
  privateKeyPemPkcs8: { type: "string", secret: true, required: true },
  publicKeyPem: { type: "string", required: true },
  publicKeyOpenssh: { type: "string", required: true },
  publicKeyFingerprintMd5: { type: "string", required: true },
  publicKeyFingerprintSha256: { type: "string", required: true },
};

/**
 * Defaults that are filled in only on the way to the state, for every algorithm, so that they don't
 * appear as changed inputs.
 */
const defaults = { rsaBits: 2048, ecdsaCurve: "P224" };

const privateKey: ResourceType = {
  inputs,
  outputs,
  replaces: () => true,
  create(news, { preview }) {
    const settings = { ...defaults, ...news };
    if (preview) {
      return { id: "", outputs: { ...settings, ...unknownOutputs() } };
    }
    const { id, ...key } = keyOutputs(generate(revealed(settings) as unknown as KeySettings));
    // `__meta` is the version of the state's schema that Terraform's provider, and so the official
    // plugin, writes.
    return { id, outputs: { ...settings, ...key, id, __meta: '{"schema_version":"1"}' } };
  },
};

interface KeySettings {
  algorithm: "RSA" | "ECDSA" | "ED25519";
  rsaBits: number;
  ecdsaCurve: "P224" | "P256" | "P384" | "P521";
}

serve({
  name: "tls",
  version: "5.6.1",
  resources: { "tls:index/privateKey:PrivateKey": privateKey },
});

function unknownOutputs(): Properties {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, field]) => [
      name,
      field.secret === true ? secret(unknownValue) : unknownValue,
    ]),
  );
}

function generate({ algorithm, rsaBits, ecdsaCurve }: KeySettings): KeyObject {
  switch (algorithm) {
    case "RSA":
      return generateKeyPairSync("rsa", { modulusLength: rsaBits }).privateKey;
    case "ECDSA":
      return generateKeyPairSync("ec", { namedCurve: opensslCurves[ecdsaCurve] }).privateKey;
    case "ED25519":
      return generateKeyPairSync("ed25519").privateKey;
  }
}

const opensslCurves: Record<KeySettings["ecdsaCurve"], string> = {
  P224: "secp224r1",
  P256: "prime256v1",
  P384: "secp384r1",
  P521: "secp521r1",
};

/**
 * A key in all formats that Terraform's provider writes, and the id that it derives from the public
 * half.
 */
function keyOutputs(key: KeyObject): Properties & { id: string } {
  const publicKey = createPublicKey(key);
  const spki = publicKey.export({ type: "spki", format: "der" });
  const pkcs8 = key.export({ type: "pkcs8", format: "pem" }).toString();
  return {
    id: createHash("sha1").update(spki).digest("hex"),
    privateKeyPem: secret(traditionalPem(key) ?? pkcs8),
    privateKeyPemPkcs8: secret(pkcs8),
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    ...opensshOutputs(key),
  };
}

/** Each algorithm's format from before PKCS#8. ED25519 has none. */
function traditionalPem(key: KeyObject): string | undefined {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return key.export({ type: "pkcs1", format: "pem" }).toString();
    case "ec":
      return key.export({ type: "sec1", format: "pem" }).toString();
    default:
      return undefined;
  }
}

function opensshOutputs(key: KeyObject): Properties {
  if (key.asymmetricKeyDetails?.namedCurve === opensslCurves.P224) {
    // OpenSSH has no P-224.
    return {
      privateKeyOpenssh: secret(""),
      publicKeyOpenssh: "",
      publicKeyFingerprintMd5: "",
      publicKeyFingerprintSha256: "",
    };
  }
  const blob = opensshPublicBlob(key);
  return {
    privateKeyOpenssh: secret(opensshPrivateKey(key)),
    publicKeyOpenssh: `${opensshPublicKey(key)}\n`,
    publicKeyFingerprintMd5: createHash("md5")
      .update(blob)
      .digest("hex")
      .replace(/..(?=.)/g, "$&:"),
    publicKeyFingerprintSha256: `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`,
  };
}
