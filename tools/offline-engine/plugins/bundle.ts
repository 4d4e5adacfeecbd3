/**
 * Bundles a plugin's source into one executable file, which the engine finds in its plugin folder
 * or on PATH.
 */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";

/** The plugins that have sources here. */
export type PluginName = "command" | "tls";

/**
 * Writes `pulumi-resource-NAME` as one executable file that needs only `node` on PATH.
 * @param outfile the file to write; its folder is created
 * @throws Error with esbuild's message if the source doesn't build
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
    // Native add-ons, which ssh2 can do without.
    external: ["cpu-features", "*.node"],
    logLevel: "error",
  });
  chmodSync(outfile, 0o755);
}
