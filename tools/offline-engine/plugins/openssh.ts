/**
 * Writes Node's keys in OpenSSH's two formats, which Node's crypto can't: the one-line public key
 * of RFC 4253 section 6.6 and the private key file of OpenSSH's PROTOCOL.key.
 */
import { createHash, createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";

/** A key pair in the form of OpenSSH's key files. */
export interface OpensshKeyPair {
  /** The text of the private key file, unencrypted, with its final newline. */
  privateKey: string;
  /** The public key as one line, `ssh-ed25519 AAAA… comment`, without a newline. */
  publicKey: string;
}

/**
 * The ED25519 key pair of a seed. The same seed and comment always give the same text.
 * @param seed the 32 bytes that RFC 8032 calls the private key
 * @param comment the text after the key on its line, such as `root@lb1`; may be empty
 * @throws RangeError if the seed isn't 32 bytes long or the comment has a line break
 */
export function opensshEd25519FromSeed(seed: Buffer, comment: string): OpensshKeyPair {
  if (seed.length !== 32) {
    throw new RangeError(`an ED25519 seed has 32 bytes, not ${seed.length}`);
  }
  const key = createPrivateKey({
    key: Buffer.concat([ed25519Pkcs8Prefix, seed]),
    format: "der",
    type: "pkcs8",
  });
  return { privateKey: opensshPrivateKey(key, comment), publicKey: opensshPublicKey(key, comment) };
}

/**
 * The text of an OpenSSH private key file, unencrypted.
 * @param key an RSA, ED25519 or ECDSA (P-256, P-384, P-521) private key
 * @throws Error if OpenSSH has no name for the key's type or curve
 */
export function opensshPrivateKey(key: KeyObject, comment = ""): string {
  const { publicBlob, privateFields } = encodings(key);
  const secret = Buffer.concat([...privateFields, text(oneLine(comment))]);
  // Two equal words tell ssh that the passphrase was right. They are derived from the key, so the
  // same key always gives the same file.
  const check = createHash("sha256").update(secret).digest().subarray(0, 4);
  const unpadded = Buffer.concat([check, check, secret]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, -unpadded.length & 7));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    text("none"), // cipher
    text("none"), // key derivation
    text(""), // its options
    uint32(1), // number of keys
    bytes(publicBlob),
    bytes(Buffer.concat([unpadded, padding])),
  ]);
  const lines = file.toString("base64").match(/.{1,64}/g) ?? [];
  return [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    ...lines,
    "-----END OPENSSH PRIVATE KEY-----",
    "",
  ].join("\n");
}

/**
 * The public half of a key as one line of an authorized_keys file, without a newline.
 *
 * @throws Error as {@link opensshPrivateKey}
 */
export function opensshPublicKey(key: KeyObject, comment = ""): string {
  const { type, publicBlob } = encodings(key);
  return [type, publicBlob.toString("base64"), oneLine(comment)].join(" ").trimEnd();
}

/**
 * The public half of a key in SSH's wire format, from which fingerprints are computed.
 * @throws Error as {@link opensshPrivateKey}
 */
export function opensshPublicBlob(key: KeyObject): Buffer {
  return encodings(key).publicBlob;
}

interface Encodings {
  type: string;
  publicBlob: Buffer;
  privateFields: Buffer[];
}

// RFC 8410: the DER prefix of a bare ED25519 seed.
const ed25519Pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

// RFC 5656 section 10.1: SSH's names for the required curves.
const sshCurves: Partial<Record<string, string>> = {
  prime256v1: "nistp256",
  secp384r1: "nistp384",
  secp521r1: "nistp521",
};

function encodings(key: KeyObject): Encodings {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return rsaEncodings(key);
    case "ec":
      return ecdsaEncodings(key);
    case "ed25519":
      return ed25519Encodings(key);
    default:
      throw new Error(
        `OpenSSH has no format for a key of type ${key.asymmetricKeyType ?? key.type}; it has rsa, ec and ed25519`,
      );
  }
}

function rsaEncodings(key: KeyObject): Encodings {
  const type = "ssh-rsa";
  const jwk = key.export({ format: "jwk" });
  const [n, e] = [mpint(part(jwk, "n")), mpint(part(jwk, "e"))];
  return {
    type,
    publicBlob: Buffer.concat([text(type), e, n]),
    privateFields: [
      text(type),
      n,
      e,
      mpint(part(jwk, "d")),
      mpint(part(jwk, "qi")),
      mpint(part(jwk, "p")),
      mpint(part(jwk, "q")),
    ],
  };
}

function ecdsaEncodings(key: KeyObject): Encodings {
  const nodeCurve = key.asymmetricKeyDetails?.namedCurve ?? "unknown";
  const curve = sshCurves[nodeCurve];
  if (curve === undefined) {
    throw new Error(
      `OpenSSH has no ECDSA on curve ${nodeCurve}; it has ${Object.keys(sshCurves).join(", ")}`,
    );
  }
  const type = `ecdsa-sha2-${curve}`;
  const jwk = key.export({ format: "jwk" });
  const point = bytes(Buffer.concat([Buffer.from([4]), part(jwk, "x"), part(jwk, "y")]));
  const fields = [text(type), text(curve), point];
  return {
    type,
    publicBlob: Buffer.concat(fields),
    privateFields: [...fields, mpint(part(jwk, "d"))],
  };
}

function ed25519Encodings(key: KeyObject): Encodings {
  const type = "ssh-ed25519";
  const jwk = key.export({ format: "jwk" });
  const [seed, point] = [part(jwk, "d"), part(jwk, "x")];
  const fields = [text(type), bytes(point)];
  return {
    type,
    publicBlob: Buffer.concat(fields),
    privateFields: [...fields, bytes(Buffer.concat([seed, point]))],
  };
}

function part(jwk: JsonWebKey, name: "d" | "e" | "n" | "p" | "q" | "qi" | "x" | "y"): Buffer {
  const value = jwk[name];
  if (value === undefined) {
    throw new Error(`the key has no part ${name}: a private key is needed`);
  }
  return Buffer.from(value, "base64url");
}

function oneLine(comment: string): string {
  if (/[\r\n]/.test(comment)) {
    throw new RangeError(`a key's comment is one line, not ${JSON.stringify(comment)}`);
  }
  return comment;
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function bytes(value: Buffer): Buffer {
  return Buffer.concat([uint32(value.length), value]);
}

function text(value: string): Buffer {
  return bytes(Buffer.from(value, "utf8"));
}

/** RFC 4251's mpint of a non-negative number: no leading zeros, except one before a set top bit. */
function mpint(value: Buffer): Buffer {
  const start = value.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Buffer.alloc(0) : value.subarray(start);
  const sign = (digits[0] ?? 0) & 0x80 ? Buffer.from([0]) : Buffer.alloc(0);
  return bytes(Buffer.concat([sign, digits]));
}
