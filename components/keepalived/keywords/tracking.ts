// vrrp_script, vrrp_track_process, track_file and bfd_instance: the keyword of each key, in the
// order in which they are written.
import type { StackConfig } from "../../schema";
import { decimal, on, text, unless, whole, type Table } from "./codec";

type Tracking = StackConfig["tracking"];

/** Every key of an entry in `tracking.scripts`. */
export const scriptKeywords = {
  name: "structural",
  script: "structural",
  args: "structural",
  intervalSeconds: decimal("interval"),
  timeoutSeconds: decimal("timeout"),
  rise: whole("rise"),
  fall: whole("fall"),
  weight: "structural",
  reverse: "structural",
  user: text("user"),
  initFail: on("init_fail"),
} as const satisfies Table<Tracking["scripts"][number]>;

/** Every key of an entry in `tracking.processes`. */
export const processKeywords = {
  name: "structural",
  process: "structural",
  parameters: "structural",
  parameterMatch: unless("exact", text("param_match")),
  fullCommand: on("full_command"),
  weight: "structural",
  reverse: "structural",
  quorum: whole("quorum"),
  quorumMax: whole("quorum_max"),
  forkDelaySeconds: decimal("fork_delay"),
  terminateDelaySeconds: decimal("terminate_delay"),
} as const satisfies Table<Tracking["processes"][number]>;

/** Every key of an entry in `tracking.files`. */
export const fileKeywords = {
  name: "structural",
  file: { ...text("file"), write: (value: string) => [`file "${value}"`] },
  weight: "structural",
  reverse: "structural",
  initialValue: whole("init_file"),
} as const satisfies Table<Tracking["files"][number]>;

/** Every key of an entry in `tracking.bfd`. */
export const bfdKeywords = {
  name: "structural",
  neighbor: "structural",
  source: "structural",
  minRxMilliseconds: whole("min_rx"),
  minTxMilliseconds: whole("min_tx"),
  idleTxMilliseconds: whole("idle_tx"),
  multiplier: whole("multiplier"),
  passive: on("passive"),
  ttl: whole("ttl", "hoplimit"),
  maxHops: whole("max_hops"),
  multihop: on("multihop"),
  weight: "structural",
  reverse: "structural",
} as const satisfies Table<Tracking["bfd"][number]>;
