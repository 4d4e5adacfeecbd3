// The completion texts, run by the shells that they are for.
import { execFileSync, spawnSync } from "node:child_process";
import { Argument, Command } from "commander";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostsOf, shells } from "../../ops/completion";

const program = new Command("lvs");
program
  .command("status")
  .description("it's 1 of [2]")
  .option("-w, --watch", "look again")
  .option("--json", "print it as JSON");
program.command("verify").option("--through-vip");
program.command("drain").argument("<real-server>");
program
  .command("maintenance")
  .addArgument(new Argument("<on|off>").choices(["on", "off"]))
  .argument("<host>");
program.command("completion").addArgument(new Argument("<shell>").choices(["bash", "zsh"]));

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-completion-"));
const stackFile = (name: string, text: string) => {
  writeFileSync(join(folder, `Pulumi.${name}.yaml`), text);
};
stackFile(
  "dev",
  'config: { "lvs-ha:directors": [{ name: lvs1 }, { name: lvs2 }], "lvs-ha:realServers": [{ name: web2 }, { name: web1 }] }',
);
stackFile("prod", 'config: { "lvs-ha:realServers": [{ name: web1 }, { name: web3 }] }');
const hosts = hostsOf(folder);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** bash's suggestions for the last word of a command line. */
function offered(...words: string[]): string[] {
  const script = `${shells.bash(program, hosts)}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_lvs_ha
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "-c", script, "bash", "lvs-ha", ...words];
  return execFileSync("bash", args, { encoding: "utf8" }).trim().split("\n");
}

test("bash offers commands, then the options of the one that was chosen", () => {
  expect(offered("")).toEqual(["status", "verify", "drain", "maintenance", "completion", "--help"]);
  expect(offered("ver")).toEqual(["verify"]);
  expect(offered("status", "--")).toEqual(["--watch", "--json", "--help"]);
  expect(offered("verify", "--th")).toEqual(["--through-vip"]);
  expect(offered("completion", "z")).toEqual(["zsh"]);
});

test("where a host is asked for, the hosts of the stacks' files are offered", () => {
  expect(offered("drain", "")).toEqual(["web1", "web2", "web3", "--help"]);
  expect(offered("maintenance", "on", "lv")).toEqual(["lvs1", "lvs2"]);
  expect(shells.zsh(program, hosts)).toContain("drain) _arguments '*: :(web1 web2 web3)' ;;");
});

test("a stack's file that is broken, or names what is no name, breaks no shell", () => {
  stackFile("dev", "config: {lvs-ha:directors: [");
  stackFile(
    "prod",
    'config: { "lvs-ha:realServers": [{ name: web9 }, { name: $(id) }, { name: "a b" }] }',
  );
  writeFileSync(join(folder, "Pulumi.yaml"), 'config: { "lvs-ha:directors": [{ name: lvs9 }] }');
  expect(hostsOf(folder)).toEqual({ "real-server": ["web9"], host: ["web9"] });
});

test("zsh's text has every command with its description and options, in quotes", () => {
  const text = shells.zsh(program, hosts);
  expect(text).toContain(`"status:it's 1 of [2]"`);
  expect(text).toContain("status) _arguments '--watch[look again]' '--json[print it as JSON]'");
  // zsh has bash's quotes and braces, so bash can check this much of the syntax where zsh is
  // missing.
  const { status, stderr } = spawnSync("bash", ["-n"], {
    input: text.replace("(( $+functions[compdef] ))", "true"),
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
});
