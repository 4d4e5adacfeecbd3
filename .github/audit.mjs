// `npm audit` of all that runs with the stack's secrets. Pulumi's SDKs are the program's that uses this package (peer dependencies), so
// that npm takes them for tools of development here: in a copy of package.json they are dependencies, in the versions that are pinned.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-audit-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

const { peerDependencies, devDependencies, dependencies, ...manifest } = JSON.parse(
  readFileSync("package.json", "utf8"),
);
const sdks = Object.keys(peerDependencies).map((name) => [name, devDependencies[name]]);
writeFileSync(
  join(folder, "package.json"),
  JSON.stringify({ ...manifest, dependencies: { ...dependencies, ...Object.fromEntries(sdks) } }),
);
copyFileSync("package-lock.json", join(folder, "package-lock.json"));

for (const words of [
  ["install", "--package-lock-only", "--ignore-scripts", "--no-audit"],
  ["audit", "--audit-level=high"],
]) {
  const { status } = spawnSync("npm", words, { cwd: folder, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
