// The sudoers file of docs/security.md is right, and lets the stack do all that it does.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "shell-quote";
import { LvsHaPair } from "../../components";
import { register } from "../support/mocks";
import { settingsOf, smallStack } from "../support/stacks";

const file = join(__dirname, "../../docs/sudoers.d/lvs-ha");

/** Where sudo's secure_path finds a program that is named without a folder. */
const found = (program: string) => (program.includes("/") ? program : `/usr/bin/${program}`);

const visudo = spawnSync("visudo", ["-cf", "-"], { input: "", encoding: "utf8" }).error
  ? undefined
  : "visudo";
if (visudo === undefined) console.log("sudoers: visudo is not installed here, so it is not asked");

(visudo === undefined ? test.skip : test)("visudo takes the file, and not a wrong one", () => {
  const check = (input: string) =>
    spawnSync("visudo", ["-cf", "-"], { input, encoding: "utf8" }).status;
  expect(check(readFileSync(file, "utf8"))).toBe(0);
  expect(check("lvs-ha ALL = (root NOPASSWD: ALL\n")).not.toBe(0);
});

test("every command of the stack that goes through sudo is in the file", async () => {
  const commands = [...readFileSync(file, "utf8").matchAll(/^Cmnd_Alias \w+ = (.*)$/gm)]
    .flatMap(([, list = ""]) => list.split(", "))
    .map((pattern) => new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`));
  const settings = settingsOf({
    ...smallStack(),
    ssh: { user: "lvs-ha" },
    metrics: { enabled: true },
  });
  const seen = await register(() => {
    new LvsHaPair("p", { settings });
  });
  const programs = [...seen.values()].flatMap(({ inputs }) =>
    [inputs.create, inputs.delete].flatMap((line) => {
      if (typeof line !== "string") return [];
      const [sudo, option, program] = parse(line);
      expect([line, sudo, option]).toEqual([line, "sudo", "-n"]);
      return typeof program === "string" ? [found(program)] : [`no program: ${line}`];
    }),
  );
  expect(new Set(programs).size).toBeGreaterThan(5);
  for (const program of programs) {
    expect([program, commands.some((pattern) => pattern.test(program))]).toEqual([program, true]);
  }
});
