// The values of inputs, for work that the program does while the engine runs.
import * as pulumi from "@pulumi/pulumi";

/** An input's value, with secrets in plain text. Not for previews: it would wait forever for an unknown value. */
export function valueOf<T>(input: pulumi.Input<T>): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(input).apply(resolve);
  });
}
