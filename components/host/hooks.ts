// What the program does itself around the engine's commands. One set of hooks serves all of them: registering one costs the engine's time.
import * as pulumi from "@pulumi/pulumi";

/** What is done around a resource's change. */
export interface Around {
  /**
   * It is about to be made, or changed: `before` and `now` are its inputs, the former absent where it is new. What is thrown keeps it
   * from being done.
   */
  before: (change: { before?: Inputs; now: Inputs }) => Promise<void>;
  /** It has failed. @default nothing */
  failed?: () => void;
}

/** Of a command; secret ones are in the clear. */
export interface Inputs {
  create?: string;
  stdin?: string;
}

/** Hooks of a stack's commands. */
export class Hooks {
  private readonly around = new Map<string, Around>();
  private readonly before: pulumi.ResourceHook;
  private readonly failed: pulumi.ErrorHook;

  /**
   * @param name of its own in the program
   * @param first is asked before each change, and what it throws keeps the resource from being made or changed @default nothing
   */
  constructor(name: string, first: (change: { isNew: boolean }) => Promise<void> = noOp) {
    this.before = new pulumi.ResourceHook(`${name}-before`, async (args) => {
      await first({ isNew: args.oldInputs === undefined });
      await this.around.get(args.name)?.before({
        before: args.oldInputs as Inputs | undefined,
        now: args.newInputs as Inputs,
      });
    });
    this.failed = new pulumi.ErrorHook(`${name}-failed`, (args) => {
      this.around.get(args.name)?.failed?.();
      // It is not tried again.
      return false;
    });
  }

  /** Those of the resource of this name. */
  of(name: string, around: Around): pulumi.ResourceHookBinding {
    this.around.set(name, around);
    return {
      beforeCreate: [this.before],
      beforeUpdate: [this.before],
      ...(around.failed ? { onError: [this.failed] } : {}),
    };
  }
}

const noOp = () => Promise.resolve();
