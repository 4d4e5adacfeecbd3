/**
 * A lab at one moment: its guests' disks, its key and Pulumi's state, saved and restored. Guests
 * boot from a snapshot as after a power cut.
 */
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { type Lab, labPath } from "./instance";
import { guests, powerCut, powerOn } from "./lab";
import { output } from "./run";
import { onHost, prepareSsh } from "./ssh";

/** Saved with the disks, because hosts accept this key and are in this state. */
const kept = ["bootstrap_key", "bootstrap_key.pub", "pulumi"];

/**
 * Saves a lab. Its guests are off afterwards.
 *
 * @param folder the destination; its contents are replaced
 */
export async function takeSnapshot(lab: Lab, folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  await Promise.all(
    guests(lab).map(async ({ host: { name } }) => {
      const { exitCode, stderr } = await onHost(lab, name, "sync");
      if (exitCode !== 0) throw new Error(`sync on ${name}: ${stderr}`);
      await powerCut(lab, name);
    }),
  );
  for (const { host, guest } of guests(lab)) await copy(guest.disk, join(unfinished, host.name));
  for (const name of kept) await copy(labPath(lab, name), join(unfinished, name));
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
}

/**
 * Restores a lab, or another lab of the same topology, and waits until its guests have booted.
 * Whatever they were doing is lost.
 *
 * @throws Error when there is no complete snapshot, or a guest doesn't boot
 */
export async function restoreSnapshot(lab: Lab, folder: string): Promise<void> {
  if (!existsSync(folder)) throw new Error(`there is no snapshot in ${folder}`);
  await Promise.all(guests(lab).map(({ host: { name } }) => powerCut(lab, name)));
  for (const { host, guest } of guests(lab)) await copy(join(folder, host.name), guest.disk);
  for (const name of kept) await copy(join(folder, name), labPath(lab, name));
  // Load the key that the disks accept into the agent.
  await prepareSsh(lab);
  await Promise.all(guests(lab).map(({ host: { name } }) => powerOn(lab, name)));
}

/** Copies sparsely: unwritten parts of a disk cost neither time nor space. */
async function copy(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await output("cp", ["-a", "--sparse=always", "--reflink=auto", from, to]);
}
