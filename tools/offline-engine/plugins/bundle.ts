/** Makes one executable file of a plugin's source, as the engine wants it in its plugin folder or on PATH. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";

/** The plugins there are sources for. */
export type PluginName = "command" | "tls";

/**
 * Writes `pulumi-resource-NAME` as one executable file that needs nothing but `node` on PATH.
 *
 * @param outfile where to; its folder is made
 * @throws Error with esbuild's words when the source doesn't build
 */
export function bundlePlugin(name: PluginName, outfile: string): void {
  buildSync({
    entryPoints: [join(__dirname, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    banner: { js: "#!/usr/bin/env node" },
    // Native add-ons that ssh2 does without when they are missing.
    external: ["cpu-features", "*.node"],
    logLevel: "error",
  });
  chmodSync(outfile, 0o755);
}
