/** OpenSSH's own tools read what tools/offline-engine/plugins/openssh.ts writes. */
import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  opensshEd25519FromSeed,
  opensshPrivateKey,
  opensshPublicKey,
} from "../../tools/offline-engine/plugins/openssh";

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-openssh-"));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("ssh-keygen finds in every ED25519 key of a seed the public key that was given with it", () => {
  const seed = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
  const comment = fc.constantFrom("", "a", "root@lb1", "two words");
  fc.assert(
    fc.property(seed, comment, (bytes, words) => {
      const pair = opensshEd25519FromSeed(bytes, words);
      expect(publicKeyIn(pair.privateKey)).toBe(pair.publicKey);
    }),
    { numRuns: 30 },
  );
});

test("a seed and a comment always make the same key", () => {
  // RFC 8032 section 7.1, test 1
  const seed = Buffer.from(
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "hex",
  );
  const point = Buffer.from(
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "hex",
  );
  const pair = opensshEd25519FromSeed(seed, "lab");
  expect(pair).toEqual(opensshEd25519FromSeed(seed, "lab"));
  const [type, blob = "", comment] = pair.publicKey.split(" ");
  expect([type, comment]).toEqual(["ssh-ed25519", "lab"]);
  expect(Buffer.from(blob, "base64").subarray(-32)).toEqual(point);
});

test.each<[string, () => KeyObject]>([
  ["RSA", () => generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey],
  ["P-256", () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey],
  ["P-384", () => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey],
  ["P-521", () => generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey],
  ["ED25519", () => generateKeyPairSync("ed25519").privateKey],
])("ssh-keygen reads %s keys", (_type, generate) => {
  // Many, since one number in 256 begins with a zero byte, and every second with a set bit.
  for (let n = 0; n < 12; n += 1) {
    const key = generate();
    expect(publicKeyIn(opensshPrivateKey(key, "a b"))).toBe(opensshPublicKey(key, "a b"));
  }
});

test("numbers have no zero bytes in front, as RFC 4251 wants them", () => {
  for (let n = 0; n < 12; n += 1) {
    // Every second private number of P-521 has fewer than 521 bits.
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
    const file = opensshPrivateKey(privateKey).replace(/-----.*-----/g, "");
    const [, , , , , secrets] = strings(Buffer.from(file, "base64").subarray(15), [3]);
    const [, , , number] = strings((secrets ?? Buffer.alloc(0)).subarray(8));
    const [first = 0, second = 0] = number ?? [];
    expect(first !== 0 || second >= 0x80).toBe(true);
  }
});

test("what OpenSSH has no format for is refused by name", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp224r1" });
  expect(() => opensshPrivateKey(privateKey)).toThrow(/no ECDSA on curve secp224r1/);
  expect(() => opensshPrivateKey(generateKeyPairSync("x25519").privateKey)).toThrow(/type x25519/);
  expect(() =>
    opensshPublicKey(createPublicKey(generateKeyPairSync("ed25519").privateKey)),
  ).toThrow(/private key is needed/);
});

test("a seed that is too short and a comment of two lines are refused", () => {
  expect(() => opensshEd25519FromSeed(Buffer.alloc(31), "")).toThrow(/has 32 bytes, not 31/);
  expect(() => opensshEd25519FromSeed(Buffer.alloc(32), "a\nb")).toThrow(/one line, not "a\\nb"/);
});

/** The length-prefixed strings of a buffer; at the given places is a bare number instead. */
function strings(buffer: Buffer, numbersAt: number[] = []): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= buffer.length;) {
    const length = numbersAt.includes(found.length) ? 0 : buffer.readUInt32BE(at);
    found.push(buffer.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

function publicKeyIn(privateKey: string): string {
  const file = join(folder, "key");
  rmSync(file, { force: true });
  writeFileSync(file, privateKey, { mode: 0o600 });
  return execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim();
}
