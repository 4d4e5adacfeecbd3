// A new lab for the tests, by the commands that a user types.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { forgetFaults } from "./faultMatrix";
import { noteUntouched } from "./footprint";

export default async function setup(): Promise<void> {
  forgetFaults();
  for (const command of ["down", "up"]) {
    const { status, error } = spawnSync("npm", ["run", "--silent", "lab", "--", command], {
      cwd: join(__dirname, "../.."),
      stdio: "inherit",
      timeout: 3_600_000,
    });
    if (error) throw error;
    if (status !== 0)
      throw new Error(`npm run lab -- ${command} ended with ${status ?? "a signal"}`);
  }
  await noteUntouched();
}
