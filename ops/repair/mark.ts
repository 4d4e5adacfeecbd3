// Drift, written into the stack's state: what a refresh would do if the command provider could read a host.

/** Ends the recorded command line of a resource whose part of the host has drifted: a shell takes it for a comment. */
const mark = " # drifted";

interface Recorded {
  urn?: unknown;
  delete?: unknown;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/**
 * An exported state in which these resources' `create` isn't what the program asks for. The next `pulumi up` sees that as a change,
 * runs `create` again on the host, as an update, and records it without the mark.
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
    // The provider compares with one or the other, depending on its version.
    for (const properties of [inputs, outputs]) {
      if (typeof properties?.create === "string" && !properties.create.endsWith(mark)) {
        properties.create += mark;
      }
    }
  }
  return JSON.stringify(state);
}
