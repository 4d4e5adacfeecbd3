// Inputs' values, for what is done while the engine runs.
import * as pulumi from "@pulumi/pulumi";

/** What an input comes to, its secrets in the clear; not for previews, where it may be unknown and this waits without end. */
export function valueOf<T>(input: pulumi.Input<T>): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(input).apply(resolve);
  });
}
