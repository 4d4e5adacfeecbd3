// What directors track, and how each thing moves their priority: keepalived.conf(5).
import type { StackConfig, TrackList } from "./schema";

type Tracking = StackConfig["tracking"];

/** Lists of tracked things, and where in `tracking` those are defined. Interfaces are defined nowhere. */
export const trackedIn = {
  trackScripts: "scripts",
  trackProcesses: "processes",
  trackFiles: "files",
  trackBfd: "bfd",
} as const satisfies Record<Exclude<TrackList, "trackInterfaces">, keyof Tracking>;

/** What holds of each where it is defined without a weight: a file's number counts once, all else is a fault. */
export const ownWeight: Record<keyof Tracking, number> = {
  scripts: 0,
  processes: 0,
  files: 1,
  bfd: 0,
};

/** What holds of something defined where it is tracked without a weight. */
export function definedWeight(tracking: Tracking, list: keyof Tracking, name: string): number {
  return tracking[list].find((one) => one.name === name)?.weight ?? ownWeight[list];
}

/** What a tracked thing adds to the priority: said where it is tracked, or else where it is defined. */
export function weightOf(
  { name, weight }: { name: string; weight?: number },
  list: TrackList,
  tracking: Tracking,
): number {
  if (weight !== undefined) return weight;
  return list === "trackInterfaces" ? 0 : definedWeight(tracking, trackedIn[list], name);
}
