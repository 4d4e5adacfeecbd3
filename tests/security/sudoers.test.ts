// The sudoers file of docs/security.md is right, and lets the stack do all that it does.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "shell-quote";
import { LvsHaPair } from "../../components";
import { register } from "../support/mocks";
import { unpackPackage } from "../support/packages";
import { argsOf, smallStack } from "../support/stacks";

const file = join(__dirname, "../../docs/sudoers.d/lvs-ha");

/** Where sudo's secure_path finds a program that is named without a folder. */
const found = (program: string) => (program.includes("/") ? program : `/usr/bin/${program}`);

/** visudo's verdict, from an unpacked sudo; it looks for its own user in /etc/passwd. */
const visudo = (root: string, input: string) => {
  const { status, stdout, stderr, error } = spawnSync(
    "unshare",
    [
      ...["--map-root-user", "--mount", "sh", "-c"],
      'mount -t tmpfs tmpfs "$1/etc" && echo root:x:0:0::/:/bin/sh >"$1/etc/passwd" && exec chroot "$1" /usr/sbin/visudo -cf -',
      ...["sh", root],
    ],
    { input, encoding: "utf8", timeout: 30_000 },
  );
  if (error) throw error;
  return { status, says: stdout + stderr };
};

test.each(["bookworm", "trixie"])(
  "visudo of Debian's %s takes the file, and not a wrong one",
  async (suite) => {
    const sudo = await unpackPackage(suite, "sudo");
    expect(visudo(sudo, readFileSync(file, "utf8"))).toEqual({
      status: 0,
      says: "stdin: parsed OK\n",
    });
    expect(visudo(sudo, "lvs-ha ALL = (root NOPASSWD: ALL\n").says).toMatch(
      /^stdin:1:.*syntax error/,
    );
  },
  300_000,
);

test.each(["requiretty", "noexec"])(
  "%s doesn't hold for it where the host's own sudoers have it",
  (flag) => {
    expect(readFileSync(file, "utf8")).toMatch(new RegExp(`^Defaults:lvs-ha !${flag}$`, "m"));
  },
);

test("every command of the stack that goes through sudo is in the file", async () => {
  const commands = [...readFileSync(file, "utf8").matchAll(/^Cmnd_Alias \w+ = (.*)$/gm)]
    .flatMap(([, list = ""]) => list.split(", "))
    .map((pattern) => new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`));
  const stack = { ...smallStack(), ssh: { user: "lvs-ha" }, metrics: { enabled: true } };
  const seen = await register(() => {
    new LvsHaPair("p", argsOf(stack));
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
