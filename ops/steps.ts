// The files that a host's steps brought to it, in their standard input: what is to be there, line by line.
import { parseFiles } from "../components/render/files";
import { shortestForm } from "./ipvs";
import type { Step } from "./stack";

/** Where keepalived reads its config. */
export const keepalivedConf = "/etc/keepalived/keepalived.conf";

/** Lines as vip.sh notes them: ADDRESS INTERFACE; those of earlier versions are an address alone, on lo. */
export function addressLines(text: string): { address: string; interface: string }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [address = "", device = "lo"] = line.split(" ");
      return { address: shortestForm(address), interface: device };
    });
}

/**
 * The files in a step's standard input, by path: each is under a line like `==> PATH <==`; a text without such lines is one file.
 */
export function filesOf({ stdin }: Step, onlyPath: string): Map<string, string> {
  const files = parseFiles(stdin);
  return files.size > 0 || stdin === "" ? files : new Map([[onlyPath, stdin]]);
}
