// What a host's steps brought to it: the files in their standard input.
import { parseFiles } from "../components/render/files";
import { shortestForm } from "./ipvs";
import type { StackHost, Step } from "./stack";

/** Where keepalived reads its config. */
const keepalivedConf = "/etc/keepalived/keepalived.conf";

/** A director's keepalived.conf, as it was last applied; empty when it never was. */
export function directorConfigText({ steps }: StackHost): string {
  const step = steps.find(({ script }) => script === "keepalived.sh");
  if (step === undefined) return "";
  return filesOf(step, keepalivedConf).get(keepalivedConf) ?? "";
}

/** True when the stack has a director's keepalived stopped. */
export function isInMaintenance({ steps }: StackHost): boolean {
  return steps.some(({ script, args }) => script === "keepalived.sh" && args[2] === "stopped");
}

/** The virtual addresses that a real server answers for, and the interface that each is on. */
export function loopbackLines({ steps }: StackHost): { address: string; device: string }[] {
  return addressLines(steps.find(({ script }) => script === "vip.sh")?.stdin ?? "");
}

/** Lines of vip.sh: ADDRESS INTERFACE; those of earlier versions are an address alone, on lo. */
function addressLines(text: string): { address: string; device: string }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [address = "", device = "lo"] = line.split(" ");
      return { address: shortestForm(address), device };
    });
}

/**
 * The files in a step's standard input, by path: each is under a line like `==> PATH <==`; a text without such lines is one file.
 */
function filesOf({ stdin }: Step, onlyPath: string): Map<string, string> {
  const files = parseFiles(stdin);
  return files.size > 0 || stdin === "" ? files : new Map([[onlyPath, stdin]]);
}
