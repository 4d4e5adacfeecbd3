// Faults that no test can see, each with its reason. A person has looked at each: the sampler leaves them out.
import type { Fault } from "./faults";

const reviewed: (Pick<Fault, "file" | "was"> & { became?: string; reason: string })[] = [];

/** Whether a fault is one of the reviewed ones. Text and file say which: lines move. */
export function isIgnored(fault: Fault): boolean {
  return reviewed.some(
    ({ file, was, became = fault.became }) =>
      file === fault.file && was === fault.was && became === fault.became,
  );
}
