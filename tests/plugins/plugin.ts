/**
 * A resource plugin, run the way the engine runs it: started as a program with the engine's address, its port
 * read from its first line, then spoken to over gRPC. What it logs to the engine is kept.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import {
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServiceError,
} from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogSeverity, type LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { PluginAttach, type PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { bundlePlugin, type PluginName } from "../../tools/offline-engine/plugins/bundle";

/** Properties as they travel; see {@link secret} and {@link unknown}. */
export type Properties = Record<string, JavaScriptValue>;

/** A message the plugin sent to the engine's log. */
export interface LogEntry {
  severity: "debug" | "info" | "warning" | "error";
  message: string;
  urn: string;
  /** True for a status line, which the next one replaces. */
  ephemeral: boolean;
}

/** What Check, Create and so on answered, in plain objects. */
export interface CheckResult {
  inputs: Properties;
  failures: { property: string; reason: string }[];
}

/** How a property changes, by the words of the protocol. */
export type DiffKind = keyof typeof messages.PropertyDiff.Kind;

/** What Diff answered. */
export interface DiffResult {
  changes: boolean;
  /** The properties that differ, and those of them that replace. */
  diffs: string[];
  replaces: string[];
  /** By path. */
  detailed: Record<string, DiffKind>;
}

/** Marks a property value as secret. */
export function secret(value: JavaScriptValue): Properties {
  return { [signatureKey]: secretSignature, value };
}

/** Says whether a value is a secret that preview doesn't know yet, in either of the protocol's two forms. */
export function isUnknownSecret(value: JavaScriptValue): boolean {
  const { [signatureKey]: signature, secret, value: wrapped } = value as Properties;
  return signature === secretSignature
    ? wrapped === unknown
    : signature === outputSignature && secret === true && wrapped === undefined;
}

/** A string that preview doesn't know yet. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Which plugin is under test: one named by LVS_HA_PLUGIN_COMMAND or _TLS, one on PATH, or the stand-in. */
export interface PluginUnderTest {
  executable: string;
  isStandIn: boolean;
  /** For the name of the suite. */
  description: string;
}

/** Finds the plugin to test; the stand-in is bundled from source, and removed after the suite. */
export function findPlugin(name: PluginName): PluginUnderTest {
  const variable = `LVS_HA_PLUGIN_${name.toUpperCase()}`;
  const program = `pulumi-resource-${name}`;
  const official = process.env[variable] ?? onPath(program);
  if (official !== undefined) {
    return announce({ executable: official, isStandIn: false, description: official });
  }
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-plugin-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const executable = join(folder, program);
  bundlePlugin(name, executable);
  return announce({ executable, isStandIn: true, description: "the stand-in" });
}

/** A running plugin with the engine it talks to. */
export class Plugin {
  /** What the plugin logged so far, in order. */
  readonly logs: LogEntry[] = [];

  private readonly engines: Server[];

  private constructor(
    private readonly process: ChildProcess,
    private readonly client: ResourceProviderClient,
    engine: Server,
    logs: LogEntry[],
  ) {
    this.engines = [engine];
    this.logs = logs;
  }

  /**
   * Starts the plugin, shakes hands and configures it.
   *
   * @param environment variables in addition to this process's own, from which the SSH agent is taken away
   * @throws Error when the plugin ends, or says no port within 10 seconds; with what it wrote
   */
  static async start(
    plugin: PluginUnderTest,
    environment: Record<string, string> = {},
  ): Promise<Plugin> {
    const logs: LogEntry[] = [];
    const { engine, address } = await startEngine(logs);
    const child = spawn(plugin.executable, [address], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, SSH_AUTH_SOCK: "", ...environment },
    });
    try {
      const port = await firstLine(child);
      const client = new ResourceProviderClient(
        `127.0.0.1:${port}`,
        credentials.createInsecure(),
        unlimitedMessages,
      );
      const running = new Plugin(child, client, engine, logs);
      await running.configure(address);
      return running;
    } catch (error) {
      child.kill("SIGKILL");
      engine.forceShutdown();
      throw error;
    }
  }

  /** Ends the plugin's process and the engine. */
  async stop(): Promise<void> {
    this.client.close();
    this.engines.forEach((engine) => {
      engine.forceShutdown();
    });
    await this.ended(() => this.process.kill("SIGKILL"));
  }

  /** Takes the engine away, as when it is killed, and waits until the plugin's process ends by itself. */
  async loseEngine(): Promise<void> {
    await this.ended(() => {
      this.engines.forEach((engine) => {
        engine.forceShutdown();
      });
    });
  }

  async getPluginInfo(): Promise<PluginInfo> {
    return unary((callback) => this.client.getPluginInfo(new Empty(), callback));
  }

  async getSchema(): Promise<Properties> {
    const response = await unary<messages.GetSchemaResponse>((callback) =>
      this.client.getSchema(new messages.GetSchemaRequest(), callback),
    );
    return JSON.parse(response.getSchema()) as Properties;
  }

  /** Tells the plugin of another engine, whose log is then {@link logs}. */
  async attach(): Promise<LogEntry[]> {
    const logs: LogEntry[] = [];
    const { engine, address } = await startEngine(logs);
    this.engines.push(engine);
    const request = new PluginAttach().setAddress(address);
    await unary((callback) => this.client.attach(request, callback));
    return logs;
  }

  async checkConfig(news: Properties): Promise<CheckResult> {
    const request = new messages.CheckRequest()
      .setUrn(urn("pulumi:providers:command", "default"))
      .setOlds(Struct.fromJavaScript({}))
      .setNews(Struct.fromJavaScript(news));
    return checkResult(await unary((callback) => this.client.checkConfig(request, callback)));
  }

  async check(token: string, news: Properties, olds: Properties = {}): Promise<CheckResult> {
    const request = new messages.CheckRequest()
      .setUrn(urn(token))
      .setOlds(Struct.fromJavaScript(olds))
      .setNews(Struct.fromJavaScript(news));
    return checkResult(await unary((callback) => this.client.check(request, callback)));
  }

  /** @param ignoreChanges names of top-level properties */
  async diff(
    token: string,
    change: { oldInputs: Properties; olds: Properties; news: Properties },
    ignoreChanges: string[] = [],
  ): Promise<DiffResult> {
    const request = new messages.DiffRequest()
      .setId("id")
      .setUrn(urn(token))
      .setOldInputs(Struct.fromJavaScript(change.oldInputs))
      .setOlds(Struct.fromJavaScript(change.olds))
      .setNews(Struct.fromJavaScript(change.news))
      .setIgnorechangesList(ignoreChanges);
    return diffResult(await unary((callback) => this.client.diff(request, callback)));
  }

  /**
   * @param options.timeoutSeconds the resource's customTimeouts, for the plugin to keep
   * @param options.giveUp when aborted, the engine gives up the call
   */
  async create(
    token: string,
    inputs: Properties,
    options: { preview?: boolean; timeoutSeconds?: number; giveUp?: AbortSignal } = {},
  ): Promise<{ id: string; outputs: Properties }> {
    const request = new messages.CreateRequest()
      .setUrn(urn(token))
      .setProperties(Struct.fromJavaScript(inputs))
      .setPreview(options.preview ?? false)
      .setTimeout(options.timeoutSeconds ?? 0);
    const deadline = Date.now() + 60_000;
    const response = await unary<messages.CreateResponse>((callback) => {
      const call = this.client.create(request, new Metadata(), { deadline }, callback);
      options.giveUp?.addEventListener("abort", () => {
        call.cancel();
      });
    });
    return { id: response.getId(), outputs: plain(response.getProperties()) };
  }

  async read(
    token: string,
    id: string,
    outputs: Properties,
    inputs: Properties,
  ): Promise<{ id: string; outputs: Properties; inputs: Properties }> {
    const request = new messages.ReadRequest()
      .setId(id)
      .setUrn(urn(token))
      .setProperties(Struct.fromJavaScript(outputs))
      .setInputs(Struct.fromJavaScript(inputs));
    const response = await unary<messages.ReadResponse>((callback) =>
      this.client.read(request, callback),
    );
    return {
      id: response.getId(),
      outputs: plain(response.getProperties()),
      inputs: plain(response.getInputs()),
    };
  }

  async update(
    token: string,
    change: { oldInputs?: Properties; olds: Properties; news: Properties },
    options: { preview?: boolean; timeoutSeconds?: number } = {},
  ): Promise<Properties> {
    const request = new messages.UpdateRequest()
      .setId("id")
      .setUrn(urn(token))
      .setOldInputs(Struct.fromJavaScript(change.oldInputs ?? {}))
      .setOlds(Struct.fromJavaScript(change.olds))
      .setNews(Struct.fromJavaScript(change.news))
      .setPreview(options.preview ?? false)
      .setTimeout(options.timeoutSeconds ?? 0);
    const response = await unary<messages.UpdateResponse>((callback) =>
      this.client.update(request, callback),
    );
    return plain(response.getProperties());
  }

  async delete(token: string, outputs: Properties): Promise<void> {
    const request = new messages.DeleteRequest()
      .setId("id")
      .setUrn(urn(token))
      .setProperties(Struct.fromJavaScript(outputs));
    await unary((callback) => this.client.delete(request, callback));
  }

  async invoke(token: string): Promise<void> {
    const request = new messages.InvokeRequest().setTok(token).setArgs(Struct.fromJavaScript({}));
    await unary((callback) => this.client.invoke(request, callback));
  }

  /** What Ctrl-C in `pulumi up` sends. */
  async cancel(): Promise<void> {
    await unary((callback) => this.client.cancel(new Empty(), callback));
  }

  private async configure(engineAddress: string): Promise<void> {
    const handshake = new messages.ProviderHandshakeRequest().setEngineAddress(engineAddress);
    await unary((callback) => this.client.handshake(handshake, callback)).catch(
      (error: unknown) => {
        // Plugins older than the handshake don't have it; the engine goes on without it, too.
        if ((error as ServiceError).code !== status.UNIMPLEMENTED) {
          throw error;
        }
      },
    );
    const request = new messages.ConfigureRequest()
      .setAcceptsecrets(true)
      .setAcceptresources(true)
      .setSendsOldInputs(true)
      .setSendsOldInputsToDelete(true)
      .setArgs(Struct.fromJavaScript({}));
    const response = await unary<messages.ConfigureResponse>((callback) =>
      this.client.configure(request, callback),
    );
    if (!response.getAcceptsecrets() || !response.getSupportspreview()) {
      throw new Error(
        `the plugin must accept secrets and previews: ${JSON.stringify(response.toObject())}`,
      );
    }
  }

  private async ended(end: () => void): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) {
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => {
        reject(new Error("the plugin's process still ran 10 s after it should have ended"));
      }, 10_000);
      this.process.once("exit", () => {
        clearTimeout(limit);
        resolve();
      });
      end();
    });
  }
}

// sdk/go/common/resource/sig in Pulumi's repository
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

const unlimitedMessages = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};

const severities: Record<LogSeverity, LogEntry["severity"]> = {
  [LogSeverity.DEBUG]: "debug",
  [LogSeverity.INFO]: "info",
  [LogSeverity.WARNING]: "warning",
  [LogSeverity.ERROR]: "error",
};

function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function announce(plugin: PluginUnderTest): PluginUnderTest {
  process.stderr.write(`testing ${plugin.description} (${plugin.executable})\n`);
  return plugin;
}

async function startEngine(logs: LogEntry[]): Promise<{ engine: Server; address: string }> {
  const engine = new Server(unlimitedMessages);
  engine.addService(EngineService, {
    log: (call: { request: LogRequest }, callback: (error: null, response: Empty) => void) => {
      const { severity, message, urn, ephemeral } = call.request.toObject();
      logs.push({ severity: severities[severity], message, urn, ephemeral });
      callback(null, new Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    engine.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error) {
        reject(error);
      } else {
        resolve(bound);
      }
    });
  });
  return { engine, address: `127.0.0.1:${port}` };
}

async function firstLine(child: ChildProcess): Promise<string> {
  const errors: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      reject(new Error(`the plugin gave no port within 10 s; it wrote: ${errors.join("")}`));
    }, 10_000);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(limit);
      reject(
        new Error(`the plugin ended (${code ?? signal ?? "?"}); it wrote: ${errors.join("")}`),
      );
    });
    if (child.stdout) {
      createInterface(child.stdout).once("line", (line) => {
        clearTimeout(limit);
        resolve(line);
      });
    }
  });
}

async function unary<Response>(
  send: (callback: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    send((error, response) => {
      if (error) {
        reject(error);
      } else {
        resolve(response);
      }
    });
  });
}

function urn(token: string, name = "resource"): string {
  return `urn:pulumi:stack::project::${token}::${name}`;
}

function plain(struct: Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}

function checkResult(response: messages.CheckResponse): CheckResult {
  return {
    inputs: plain(response.getInputs()),
    failures: response
      .getFailuresList()
      .map((failure) => ({ property: failure.getProperty(), reason: failure.getReason() })),
  };
}

function diffResult(response: messages.DiffResponse): DiffResult {
  const names = Object.fromEntries(
    Object.entries(messages.PropertyDiff.Kind).map(([name, kind]) => [kind, name]),
  ) as Record<number, DiffKind>;
  const detailed: Record<string, DiffKind> = {};
  response.getDetaileddiffMap().forEach((diff: messages.PropertyDiff, path: string) => {
    detailed[path] = names[diff.getKind()] ?? "UPDATE";
  });
  return {
    changes: response.getChanges() === messages.DiffResponse.DiffChanges.DIFF_SOME,
    diffs: response.getDiffsList().sort(),
    replaces: response.getReplacesList().sort(),
    detailed,
  };
}
