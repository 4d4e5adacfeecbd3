// Completion: the text, run by the shell that it is for.
import { execFileSync, spawnSync } from "node:child_process";
import { Argument, Command } from "commander";
import { shells } from "../../ops/completion";

const program = new Command("lvs");
program
  .command("status")
  .description("it's 1 of [2]")
  .option("-w, --watch", "look again")
  .option("--json", "print it as JSON");
program.command("verify").option("--through-vip");
program.command("completion").addArgument(new Argument("<shell>").choices(["bash", "zsh"]));

/** What bash offers for the words of a command line, the last of which is being typed. */
function offered(...words: string[]): string[] {
  const script = `${shells.bash(program)}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_lvs_ha
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "-c", script, "bash", "lvs-ha", ...words];
  return execFileSync("bash", args, { encoding: "utf8" }).trim().split("\n");
}

test("bash offers commands, then the options of the one that was chosen", () => {
  expect(offered("")).toEqual(["status", "verify", "completion", "--help"]);
  expect(offered("ver")).toEqual(["verify"]);
  expect(offered("status", "--")).toEqual(["--watch", "--json", "--help"]);
  expect(offered("verify", "--th")).toEqual(["--through-vip"]);
  expect(offered("completion", "z")).toEqual(["zsh"]);
});

test("zsh's text has every command with its description and options, in quotes", () => {
  const text = shells.zsh(program);
  expect(text).toContain(`"status:it's 1 of [2]"`);
  expect(text).toContain("status) _arguments '--watch[look again]' '--json[print it as JSON]'");
  // Quotes and braces are bash's, too: this much of its syntax can be checked without zsh.
  const { status, stderr } = spawnSync("bash", ["-n"], {
    input: text.replace("(( $+functions[compdef] ))", "true"),
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
});
