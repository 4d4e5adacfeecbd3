// Compares a host's key with the pinned one.
import { isSameKey } from "../../ops/hostKeys/scan";
import { verdictOf } from "../../ops/hostKeys/command";

const at = { name: "lvs1", host: "192.0.2.11", port: 22 };
const key = "ssh-ed25519 AAAAC3one";

test.each([
  ["the pinned key", { ...at, hostKey: key }, { hostKey: key }, "match"],
  [
    "the pinned key, which has a comment",
    { ...at, hostKey: `${key} root@lvs1` },
    { hostKey: key },
    "match",
  ],
  ["another key", { ...at, hostKey: key }, { hostKey: "ssh-ed25519 AAAAC3two" }, "MISMATCH"],
  ["a key where none is pinned", at, { hostKey: key }, "not pinned"],
  ["none where one is pinned", { ...at, hostKey: key }, { why: "no answer in 5 s" }, "no answer"],
  ["none where none is pinned", at, { why: "no answer in 5 s" }, "no answer"],
])("a host that shows %s", (_, host, answer, verdict) => {
  expect(verdictOf(host, answer)).toBe(verdict);
});

test("keys are the same by type and text, whatever is behind", () => {
  expect(isSameKey(` ${key}  a b\n`, key)).toBe(true);
  expect(isSameKey("ecdsa-sha2-nistp256 AAAAC3one", key)).toBe(false);
  expect(isSameKey("ssh-ed25519 AAAAC3on", key)).toBe(false);
});
