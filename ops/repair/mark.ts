// Marks drift in the stack's state, as a refresh would if the command provider could read a host.

/**
 * Appended to the recorded command line of a resource that has drifted; a shell reads it as a
 * comment.
 */
const mark = " # drifted";

interface Recorded {
  urn?: unknown;
  delete?: unknown;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/**
 * An exported state in which `create` of these resources differs from the program. The next
 * `pulumi up` sees a change, runs `create` on the host again as an update, and records it without
 * the mark.
 * @throws Error when the state lacks one of the resources
 */
export function withMarks(exported: string, urns: readonly string[]): string {
  const state = JSON.parse(exported) as { deployment?: { resources?: Recorded[] } };
  const resources = state.deployment?.resources ?? [];
  for (const urn of urns) {
    const resource = resources.find((entry) => entry.urn === urn && entry.delete !== true);
    const { inputs, outputs } = resource ?? {};
    if (typeof inputs?.create !== "string") {
      throw new Error(`the state has no command ${urn} any more; look again: lvs verify`);
    }
    // Which of the two the provider compares depends on its version.
    for (const properties of [inputs, outputs]) {
      if (typeof properties?.create === "string" && !properties.create.endsWith(mark)) {
        properties.create += mark;
      }
    }
  }
  return JSON.stringify(state);
}
