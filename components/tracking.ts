// What directors track, and how it changes their priority: keepalived.conf(5).
import type { StackConfig, TrackList } from "./schema";

type Tracking = StackConfig["tracking"];

/**
 * The `tracking` list that defines the objects of each track list. Interfaces need no definition.
 */
export const trackedIn = {
  trackScripts: "scripts",
  trackProcesses: "processes",
  trackFiles: "files",
  trackBfd: "bfd",
} as const satisfies Record<Exclude<TrackList, "trackInterfaces">, keyof Tracking>;

/**
 * The weight of an object defined without one: a file's number counts once; for the others 0, which
 * means that a failure is a fault.
 */
export const ownWeight: Record<keyof Tracking, number> = {
  scripts: 0,
  processes: 0,
  files: 1,
  bfd: 0,
};

/** The weight of a defined object, if the place that tracks it sets none. */
export function definedWeight(tracking: Tracking, list: keyof Tracking, name: string): number {
  return tracking[list].find((one) => one.name === name)?.weight ?? ownWeight[list];
}

/**
 * What a tracked object adds to the priority: the weight where it is tracked, or else where it is
 * defined.
 */
export function weightOf(
  { name, weight }: { name: string; weight?: number },
  list: TrackList,
  tracking: Tracking,
): number {
  if (weight !== undefined) return weight;
  return list === "trackInterfaces" ? 0 : definedWeight(tracking, trackedIn[list], name);
}
