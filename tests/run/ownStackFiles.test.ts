// Tests that would read the developer's own stack files are stopped.
import { createReadStream, openSync, readFileSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(__dirname, "../..");
const own = join(root, "Pulumi.prod.yaml");

test("a stack's file in the project's folder can't be read, whether it is there or not", async () => {
  const why = /^a test reads Pulumi\.prod\.yaml, which is no file of the repository/;
  expect(() => readFileSync(own, "utf8")).toThrow(why);
  expect(() => openSync(own, "r")).toThrow(why);
  expect(() => createReadStream(own)).toThrow(why);
  await expect(async () => readFile(own)).rejects.toThrow(why);
  await expect(async () => open(own)).rejects.toThrow(why);
});

test("the lab's stack can be read, and so can files of that name elsewhere", () => {
  expect(readFileSync(join(root, "Pulumi.dev.yaml"), "utf8")).toContain("lvs-ha:directors");
  expect(readFileSync(join(root, "Pulumi.yaml"), "utf8")).toContain("name: lvs-ha");
  expect(() => readFileSync(join(root, "tests/Pulumi.prod.yaml"))).toThrow("ENOENT");
});
