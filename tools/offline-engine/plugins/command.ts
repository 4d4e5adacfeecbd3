/**
 * Stand-in for the official `command` plugin, for machines that can't download it. It offers only
 * `command:remote:Command`, and really runs commands over SSH.
 *
 * It follows the observed behaviour of pulumi-command v1.2.1, with these differences: it closes the
 * connection after each command, perDialTimeout covers the whole login, cancelling and time limits
 * end a running command, and an unknown value of `logging` is refused.
 */
import { randomBytes } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import type { Field, Fields } from "./check";
import { isUnknown, revealed, unknownValue, type Properties } from "./properties";
import { serve, type Call, type ResourceType } from "./server";
import { dial, type Host, type Session } from "./ssh";

/** The inputs of a remote.Command once secrets are unwrapped and defaults filled in. */
interface CommandInputs {
  connection: Host;
  create?: string;
  update?: string;
  delete?: string;
  stdin?: string;
  environment?: Record<string, string>;
  addPreviousOutputInEnv?: boolean;
  logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
}

/** A command's output, complete except for one final newline. */
interface CommandOutputs {
  stdout: string;
  stderr: string;
}

const host: Record<string, Field> = {
  user: { type: "string", default: "root" },
  password: { type: "string", secret: true },
  host: { type: "string", required: true },
  port: { type: "number", default: 22 },
  privateKey: { type: "string", secret: true },
  privateKeyPassword: { type: "string", secret: true },
  agentSocketPath: { type: "string" },
  dialErrorLimit: { type: "integer", default: 10 },
  perDialTimeout: { type: "integer", default: 15 },
  hostKey: { type: "string" },
};

const inputs: Fields = {
  connection: { type: { ...host, proxy: { type: host } }, required: true, secret: true },
  create: { type: "string" },
  update: { type: "string" },
  delete: { type: "string" },
  triggers: { type: "any[]" },
  stdin: { type: "string" },
  environment: { type: "string{}" },
  addPreviousOutputInEnv: { type: "boolean" },
  logging: { type: "string", oneOf: ["stdout", "stderr", "stdoutAndStderr", "none"] },
};

const remoteCommand: ResourceType = {
  inputs,
  outputs: {
    stdout: { type: "string", required: true },
    stderr: { type: "string", required: true },
  },

  // A changed trigger is an update here, as in the official plugin; the SDK turns it into a
  // replacement.
  replaces: (path) => path === "triggers",

  async create(news, call) {
    const id = `${call.name}${randomBytes(4).toString("hex")}`;
    if (call.preview) {
      return { id, outputs: { ...news, stdout: unknownValue, stderr: unknownValue } };
    }
    const { create } = reveal(news);
    const outputs = create === undefined ? nothing : await run(create, reveal(news), nothing, call);
    return { id, outputs: { ...news, ...outputs } };
  },

  async update(olds, news, call) {
    const previous = { stdout: olds.stdout ?? "", stderr: olds.stderr ?? "" };
    if (call.preview) {
      return { ...news, ...(mayChangeOutput(olds, news) ? unknownOutputs : previous) };
    }
    const { update, create } = reveal(news);
    const command = update ?? create;
    if (command === undefined) {
      return { ...news, ...previous };
    }
    return { ...news, ...(await run(command, reveal(news), revealOutputs(olds), call)) };
  },

  async delete(olds, call) {
    const { delete: command } = reveal(olds);
    if (command !== undefined) {
      await run(command, reveal(olds), revealOutputs(olds), call);
    }
  },
};

const nothing = { stdout: "", stderr: "" };
const unknownOutputs = { stdout: unknownValue, stderr: unknownValue };

serve({
  name: "command",
  version: "1.2.1",
  resources: { "command:remote:Command": remoteCommand },
});

/**
 * Whether a preview must treat stdout as unknown. As in the official plugin, an added input doesn't
 * count.
 */
function mayChangeOutput(olds: Properties, news: Properties): boolean {
  return Object.keys(inputs).some((name) => {
    const [before, after] = [olds[name], news[name]];
    return (
      (after !== undefined && isUnknown(after)) ||
      (before !== undefined && !isDeepStrictEqual(before, after))
    );
  });
}

function reveal(properties: Properties): CommandInputs {
  return revealed(properties) as unknown as CommandInputs; // Check has validated the inputs.
}

function revealOutputs({ stdout = "", stderr = "" }: Properties): CommandOutputs {
  return revealed({ stdout, stderr }) as unknown as CommandOutputs;
}

/** Runs a command on its host. */
async function run(
  command: string,
  settings: CommandInputs,
  previous: CommandOutputs,
  call: Call,
): Promise<CommandOutputs> {
  const connection = await dial(withAgent(settings.connection), call.signal, async (message) =>
    call.log.status(message),
  );
  try {
    const session = await connection.openSession();
    await setEnvironment(session, settings, previous, call);
    return await execute(session, command, settings, call);
  } finally {
    connection.close();
  }
}

async function setEnvironment(
  session: Session,
  settings: CommandInputs,
  previous: CommandOutputs,
  { log }: Call,
): Promise<void> {
  for (const [name, value] of Object.entries(settings.environment ?? {})) {
    if (!(await session.setEnvironment(name, value))) {
      await log.error(refusedVariable(name));
      throw new Error(`could not set environment variable "${name}": ssh: setenv failed`);
    }
  }
  if (settings.addPreviousOutputInEnv ?? true) {
    const variables = {
      PULUMI_COMMAND_STDOUT: previous.stdout,
      PULUMI_COMMAND_STDERR: previous.stderr,
    };
    for (const [name, value] of Object.entries(variables)) {
      if (value !== "" && !(await session.setEnvironment(name, value))) {
        await log.warning(refusedVariable(name));
      }
    }
  }
}

async function execute(
  session: Session,
  command: string,
  { stdin = "", logging = "stdoutAndStderr" }: CommandInputs,
  call: Call,
): Promise<CommandOutputs> {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
  const lines = {
    stdout: new Lines(call.log.status, logging.startsWith("stdout")),
    stderr: new Lines(call.log.status, /stderr$/i.test(logging)),
  };
  try {
    call.signal.throwIfAborted();
    await session.run(command, {
      stdin,
      signal: call.signal,
      onOutput: async (stream, chunk) => {
        chunks[stream].push(chunk);
        chunks.both.push(chunk);
        await lines[stream].add(chunk);
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const output = Buffer.concat(chunks.both).toString();
    throw new Error(`${reason}: running ${quoted(command)}:\n${output}`, { cause: error });
  } finally {
    await lines.stdout.end();
    await lines.stderr.end();
  }
  return {
    stdout: outputText(chunks.stdout, "stdout", command),
    stderr: outputText(chunks.stderr, "stderr", command),
  };
}

/** Shows a stream line by line as it arrives. */
class Lines {
  private readonly decoder = new TextDecoder();
  private unfinished = "";

  constructor(
    private readonly show: (line: string) => Promise<void>,
    private readonly wanted: boolean,
  ) {}

  async add(chunk: Buffer): Promise<void> {
    if (!this.wanted) {
      return;
    }
    const lines = (this.unfinished + this.decoder.decode(chunk, { stream: true })).split("\n");
    this.unfinished = lines.pop() ?? "";
    for (const line of lines) {
      await this.show(line.replace(/\r$/, ""));
    }
  }

  async end(): Promise<void> {
    const rest = this.unfinished + this.decoder.decode();
    if (this.wanted && rest !== "") {
      await this.show(rest);
    }
  }
}

function outputText(chunks: Buffer[], stream: string, command: string): string {
  const output = Buffer.concat(chunks);
  if (!isUtf8(output)) {
    throw new Error(
      `the command ran, but its ${stream} isn't valid UTF-8, the only text that Pulumi's state can hold; ` +
        `redirect it or encode it: running ${quoted(command)}`,
    );
  }
  return output.toString().replace(/\n$/, "");
}

/** A host without an agent socket in its inputs uses the agent of the user who runs Pulumi. */
function withAgent(host: Host): Host {
  const { SSH_AUTH_SOCK } = process.env;
  const agentSocketPath =
    host.agentSocketPath ?? (SSH_AUTH_SOCK === "" ? undefined : SSH_AUTH_SOCK);
  return { ...host, agentSocketPath, proxy: host.proxy && withAgent(host.proxy) };
}

function refusedVariable(name: string): string {
  return `Unable to set '${name}'. This only works if your SSH server is configured to accept
\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could
\tprefix the command itself with the variables in the form 'VAR=value command'`;
}

/** A string as Go's %q prints it. */
function quoted(value: string): string {
  return JSON.stringify(value)
    .replaceAll("\\u0007", "\\a")
    .replaceAll("\\u000b", "\\v")
    .replace(/\\u00([01][0-9a-f])/g, "\\x$1")
    .replaceAll("\x7f", "\\x7f");
}
