// The result of the last `pulumi up`, from the stack's state: its hosts, their logins, and the
// input of each command.
import { basename } from "node:path";
import { parse as parseShell } from "shell-quote";
import { z } from "zod";
import type { Connection } from "../components/host/openssh";
import { type DirectorModel, directorSchema, realServerSchema } from "../components/model";
import { parseSections, withoutEnd } from "../components/render/files";
import type { LoopbackAddress } from "../components/render/loopback";
import { CouldNotLook } from "./exit";
import { pulumi, type StackOptions } from "./pulumi";

/** A stack's hosts, directors first. */
export interface Stack {
  name: string;
  hosts: StackHost[];
  /**
   * Whether `pulumi destroy` is refused; null when an earlier version wrote the state, without this
   * setting.
   */
  deletionProtection: boolean | null;
}

/** A host in the stack's state. */
export interface StackHost {
  /** Name in the stack config: `lvs1`. */
  name: string;
  role: "director" | "real server";
  /** The login of the host's last command. */
  connection: Connection;
  /** The commands that were run on the host, in order. */
  steps: Step[];
  /**
   * A director's model; {@link nothing} on a real server, and on a director without a config yet.
   */
  director: DirectorModel;
  /** On a real server: the virtual addresses it answers for, each with its interface. */
  loopback: LoopbackAddress[];
}

/** A command that was run on a host. */
export interface Step {
  urn: string;
  /** The resource's name: `pair-lvs1-system`. */
  name: string;
  /** The script that ran: `kernel.sh`. One command may have run several. */
  script: string;
  /** The script's arguments: `apply`, the owner, further words. */
  args: string[];
  /** The script's standard input, without its end mark. */
  stdin: string;
  /** The standard input is secret: compare it, but never show it. */
  secret: boolean;
}

const login = {
  host: z.string(),
  port: z.number().default(22),
  user: z.string().default("root"),
  hostKey: z.string(),
  password: z.string().optional(),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  agentSocketPath: z.string().optional(),
};

const connectionSchema = z.object({ ...login, proxy: z.object(login).optional() });

/**
 * Reads the stack's state with its secrets, which the logins need.
 * @throws CouldNotLook when the stack is missing or empty, or another version wrote it
 */
export async function readStack(options: StackOptions): Promise<Stack> {
  const exported = await pulumi(["stack", "export", "--show-secrets"], options);
  try {
    return stackOf(exported);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new CouldNotLook(
      `the stack's state is not what this lvs knows: ${z.prettifyError(error)}`,
    );
  }
}

/** The stack in an exported state. */
export function stackOf(exported: string): Stack {
  const { resources } = deploymentSchema.parse(JSON.parse(exported)).deployment;
  const live = resources.filter((resource) => resource.delete !== true);
  const hosts = live.flatMap((resource) => hostOf(resource, live));
  if (hosts.length === 0) {
    throw new CouldNotLook("the stack has no hosts yet: run pulumi up first");
  }
  return {
    name: live[0]?.urn.split(":")[2] ?? "",
    hosts: hosts.toSorted(
      (a, b) => roles.indexOf(a.role) - roles.indexOf(b.role) || byNumber.compare(a.name, b.name),
    ),
    deletionProtection: protectionOf(live),
  };
}

const resourceSchema = z.object({
  urn: z.string(),
  type: z.string(),
  parent: z.string().optional(),
  delete: z.boolean().optional(),
  inputs: z.record(z.string(), z.unknown()).default({}),
  outputs: z.record(z.string(), z.unknown()).default({}),
});

type Resource = z.output<typeof resourceSchema>;

const deploymentSchema = z.object({
  deployment: z.object({ resources: z.array(resourceSchema).default([]) }),
});

const inputsSchema = z.object({
  connection: connectionSchema,
  create: z.string(),
  stdin: z.string().default(""),
});

const roles = ["director", "real server"] as const;

/** Sorts web2 before web10. */
const byNumber = new Intl.Collator("en", { numeric: true });

const roleOf: Partial<Record<string, StackHost["role"]>> = {
  "lvs-ha:index:LvsNode": "director",
  "lvs-ha:index:RealServer": "real server",
};

const pairType = "lvs-ha:index:LvsHaPair";

const commandType = "command:remote:Command";

/** Reads deletion protection from the `delete` command that runs first on destroy. */
function protectionOf(all: Resource[]): boolean | null {
  const [, word] =
    all
      .filter(({ type }) => type === commandType)
      .map(({ inputs }) => / release '?\S+ (on|off) /.exec(String(inputs.delete)))
      .find((found) => found !== null) ?? [];
  return word === undefined ? null : word === "on";
}

/** The host that a component stands for, with its commands; empty for any other resource. */
function hostOf({ urn, type, parent, outputs }: Resource, all: Resource[]): StackHost[] {
  const role = roleOf[type];
  if (role === undefined) return [];
  // One that stands by itself has its host's name, and its logins below it.
  const pair = all.find((resource) => resource.urn === parent && resource.type === pairType);
  const name = nameOf(urn).slice(pair ? nameOf(pair.urn).length + 1 : 0);
  const commands = all.filter((resource) => resource.type === commandType);
  // A command without `delete` belongs to another host's change: for example, a director drains a
  // real server.
  const own = commands.filter((command) => command.parent === urn && "delete" in command.inputs);
  // SshAccess puts the deploy key on the host with a command named …-HOST-authorize.
  const authorize = commands.filter(
    (command) =>
      command.parent !== urn &&
      nameOf(command.urn) === `${nameOf(command.parent ?? "")}-${name}-authorize` &&
      all.some(
        ({ urn: access, parent: of }) => access === command.parent && of === (pair?.urn ?? urn),
      ),
  );
  const last = own.at(-1);
  if (last === undefined) return [];
  const steps = [...authorize, ...own].flatMap(stepsOf);
  return [
    {
      name,
      role,
      connection: inputsSchema.parse(revealed(last.inputs)).connection,
      steps,
      director: nothing,
      loopback: [],
      ...modelOf(role, name, steps, revealed(outputs.model)),
    },
  ];
}

/** The model of a director that has no config yet. */
const nothing: DirectorModel = { inMaintenance: false, instances: [], services: [] };

/** The script whose step puts the host's model into effect. */
const modelledBy: Record<StackHost["role"], string> = {
  director: "keepalived.sh",
  "real server": "vip.sh",
};

/** The host's model, from its component's outputs. */
function modelOf(
  role: StackHost["role"],
  name: string,
  steps: Step[],
  model: unknown,
): Partial<Pick<StackHost, "director" | "loopback">> {
  if (!steps.some(({ script }) => script === modelledBy[role])) return {};
  if (model === undefined) {
    throw new CouldNotLook(
      `the stack's state doesn't say what ${name} is meant to do: an earlier version wrote it, or the last pulumi up left ${name} out; run pulumi up once`,
    );
  }
  if (role === "director") return { director: directorSchema.parse(model) };
  const { addresses } = realServerSchema.parse(model);
  return {
    loopback: Object.entries(addresses).flatMap(([device, own]) =>
      own.map((address) => ({ address, interface: device })),
    ),
  };
}

function stepsOf({ urn, inputs }: Resource): Step[] {
  const { create, stdin } = inputsSchema.parse(revealed(inputs));
  const words = parseShell(create).filter((word) => typeof word === "string");
  const [program = "", ...rest] = words[0] === "sudo" ? words.slice(2) : words;
  const about = { urn, name: nameOf(urn), secret: isSecret(inputs.stdin) };
  const text = withoutEnd(stdin);
  if (program === "sh" && rest[0] === "-s") {
    return [{ ...about, script: "authorize.sh", args: rest.slice(2), stdin: text }];
  }
  if (program === "sh") {
    // The third word is the folder the scripts were unpacked to, which no longer exists.
    const [path = "", verb = "", , ...args] = rest;
    return [{ ...about, script: basename(path), args: [verb, ...args], stdin: text }];
  }
  const script = basename(program);
  if (script !== "system.sh") return [{ ...about, script, args: rest, stdin: text }];
  const [verb = "", owner = ""] = rest;
  return parseSections(text).map(({ words: [name = "", ...args], text: own }) => ({
    ...about,
    script: name,
    args: [verb, owner, ...args],
    stdin: own,
  }));
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

/** The key with which the engine marks a secret in a state. */
const signature = "4dabf18193072939515e22adb298388d";

function isSecret(value: unknown): value is { plaintext?: string } {
  return typeof value === "object" && value !== null && signature in value;
}

/** A copy of the value in which every secret is plain text. */
function revealed(value: unknown): unknown {
  if (isSecret(value)) {
    return value.plaintext === undefined ? undefined : revealed(JSON.parse(value.plaintext));
  }
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]));
  }
  return value;
}
