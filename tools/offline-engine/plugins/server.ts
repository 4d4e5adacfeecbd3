/**
 * A Pulumi resource plugin as a process: the gRPC service that the engine calls, for a table of
 * resource types. proto/pulumi/provider.proto in Pulumi's repository documents the protocol.
 *
 * The messages come from @pulumi/pulumi without the rest of that SDK, which takes longer to load
 * than a command takes to run.
 */
import {
  connectivityState,
  credentials,
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { PluginInfo, type PluginAttach } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { checkInputs, objectSchema, type Failure, type Fields } from "./check";
import { difference, withoutNulls, type Change, type Properties } from "./properties";

/** The resources of a plugin. */
export interface ProviderDefinition {
  /** The package's name, as in `pulumi-resource-NAME`. */
  name: string;
  version: string;
  /** By type token, such as `command:remote:Command`. */
  resources: Record<string, ResourceType>;
}

/** A type of resource: its properties, and how to create, change and delete one. */
export interface ResourceType {
  inputs: Fields;
  /** The properties of a resource besides its inputs. */
  outputs: Fields;
  /** Whether a change at this property path replaces the resource. */
  replaces(path: string): boolean;
  create(inputs: Properties, call: Call): Created | Promise<Created>;
  /** Missing if every change replaces the resource. */
  update?(outputs: Properties, inputs: Properties, call: Call): Promise<Properties>;
  /** Missing if there is nothing to delete. */
  delete?(outputs: Properties, call: Call): Promise<void>;
}

/** A new resource; in a preview, the expected one. */
export interface Created {
  id: string;
  outputs: Properties;
}

/** What the engine asks for, besides the properties. */
export interface Call {
  /** The resource's own name in the program. */
  name: string;
  /** Only predict the outputs, without doing anything. */
  preview: boolean;
  /** Aborted when the user cancels, the engine hangs up or the resource's time limit is over. */
  signal: AbortSignal;
  /**
   * The resource's lines in the engine's display. Each promise resolves when the engine has the
   * line.
   */
  log: Log;
}

/** Messages to the user. */
export interface Log {
  /** Shown until the next status. */
  status: (message: string) => Promise<void>;
  warning: (message: string) => Promise<void>;
  error: (message: string) => Promise<void>;
}

/** An error that carries one of gRPC's status codes to the engine. */
export class StatusError extends Error {
  constructor(
    readonly code: status,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Runs the plugin: answers the engine, whose address is the last argument, and ends when that
 * engine is gone. The first line on stdout is the port that the plugin listens on.
 */
export function serve(provider: ProviderDefinition): void {
  const server = new Server(unlimitedMessages);
  server.addService(ResourceProviderService, service(provider));
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) {
      throw error;
    }
    process.stdout.write(`${port}\n`);
  });
}

// The engine's own limit is 400 MB; gRPC's default of 4 MB is too small for a large stdin or
// stdout.
const unlimitedMessages = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};

function service(provider: ProviderDefinition): UntypedServiceImplementation {
  const engine = new Engine(process.argv.length > 2 ? process.argv.at(-1) : undefined);
  const cancellation = new AbortController();
  engine.onGone = () => {
    cancellation.abort(new StatusError(status.CANCELLED, "the engine is gone"));
    setTimeout(() => process.exit(1), 1000);
  };

  /** Handles the time limit and the cancellation of every call. */
  async function run<Result>(
    rpc: ServerUnaryCall<unknown, unknown>,
    request: { getUrn(): string; getTimeout?(): number; getPreview?(): boolean },
    work: (type: ResourceType, call: Call) => Result | Promise<Result>,
  ): Promise<Result> {
    const { token, name } = parseUrn(request.getUrn());
    const type = resourceType(provider, token);
    const ending = new AbortController();
    const seconds = request.getTimeout?.() ?? 0;
    const limit =
      seconds > 0
        ? setTimeout(() => {
            const message = `context deadline exceeded: not done within ${seconds} s (customTimeouts)`;
            ending.abort(new StatusError(status.DEADLINE_EXCEEDED, message));
          }, seconds * 1000)
        : undefined;
    rpc.on("cancelled", () => {
      ending.abort(new StatusError(status.CANCELLED, "the engine gave up the call"));
    });
    try {
      return await work(type, {
        name,
        preview: request.getPreview?.() ?? false,
        signal: AbortSignal.any([cancellation.signal, ending.signal]),
        log: engine.logOf(request.getUrn()),
      });
    } finally {
      clearTimeout(limit);
    }
  }

  return {
    handshake: unary(() =>
      new messages.ProviderHandshakeResponse().setAcceptSecrets(true).setAcceptResources(true),
    ),
    attach: unary((request: PluginAttach) => {
      engine.connect(request.getAddress());
      return new Empty();
    }),
    getPluginInfo: unary(() => new PluginInfo().setVersion(provider.version)),
    getSchema: unary(() =>
      new messages.GetSchemaResponse().setSchema(JSON.stringify(packageSchema(provider))),
    ),
    checkConfig: unary((request: messages.CheckRequest) =>
      new messages.CheckResponse().setInputs(request.getNews()),
    ),
    diffConfig: unary(() =>
      new messages.DiffResponse().setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE),
    ),
    configure: unary(() =>
      new messages.ConfigureResponse()
        .setAcceptsecrets(true)
        .setAcceptresources(true)
        .setSupportspreview(true),
    ),
    invoke: unary((request: messages.InvokeRequest) => {
      const message = `function ${request.getTok()} is not in this stand-in: it has no functions`;
      throw new StatusError(status.NOT_FOUND, message);
    }),
    check: unary(async (request: messages.CheckRequest, rpc) =>
      run(rpc, request, (type) => checkResponse(type, read(request.getNews()))),
    ),
    diff: unary(async (request: messages.DiffRequest, rpc) =>
      run(rpc, request, (type) => diffResponse(type, request)),
    ),
    create: unary(async (request: messages.CreateRequest, rpc) =>
      run(rpc, request, async (type, call) => {
        const { id, outputs } = await type.create(read(request.getProperties()), call);
        return new messages.CreateResponse().setId(id).setProperties(write(outputs));
      }),
    ),
    read: unary((request: messages.ReadRequest) =>
      new messages.ReadResponse()
        .setId(request.getId())
        .setProperties(request.getProperties())
        .setInputs(request.getInputs()),
    ),
    update: unary(async (request: messages.UpdateRequest, rpc) =>
      run(rpc, request, async (type, call) => {
        const outputs = read(request.getOlds());
        const inputs = ignoring(request.getIgnorechangesList(), outputs, read(request.getNews()));
        const updated = (await type.update?.(outputs, inputs, call)) ?? outputs;
        return new messages.UpdateResponse().setProperties(write(updated));
      }),
    ),
    delete: unary(async (request: messages.DeleteRequest, rpc) =>
      run(rpc, request, async (type, call) => {
        await type.delete?.(read(request.getProperties()), call);
        return new Empty();
      }),
    ),
    cancel: unary(() => {
      cancellation.abort(
        new StatusError(status.CANCELLED, "context canceled: cancelled by the user"),
      );
      return new Empty();
    }),
  };
}

/** Turns a function into a gRPC handler. An error that it throws becomes the call's status. */
function unary<Request, Response>(
  answer: (
    request: Request,
    rpc: ServerUnaryCall<Request, Response>,
  ) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (rpc, callback) => {
    Promise.resolve()
      .then(async () => answer(rpc.request, rpc))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          const details = error instanceof Error ? error.message : String(error);
          callback({ code: statusCode(error), details: fitted(details) });
        },
      );
  };
}

/** The code of the first error that has one in the chain of causes. */
function statusCode(error: unknown): status {
  if (error instanceof StatusError) {
    return error.code;
  }
  return error instanceof Error && error.cause !== undefined
    ? statusCode(error.cause)
    : status.UNKNOWN;
}

/**
 * Shortens a status message. It travels in one HTTP/2 header, percent-encoded, and Node sends at
 * most 64 KiB: a longer message would make the call fail without any message. The cut is in the
 * middle, in the command's output.
 */
function fitted(details: string): string {
  const limit = 48 * 1024;
  const size = encodeURI(details).length;
  if (size <= limit) {
    return details;
  }
  let half = Math.min(details.length, limit) / 2;
  for (;;) {
    const head = details.slice(0, half).replace(/[\uD800-\uDBFF]$/, "");
    const tail = details.slice(-half).replace(/^[\uDC00-\uDFFF]/, "");
    if (encodeURI(head + tail).length <= limit) {
      const left = details.length - head.length - tail.length;
      return `${head}\n[... ${left} characters left out ...]\n${tail}`;
    }
    half = Math.floor(half / 2);
  }
}

/** The engine's log, and a watch on whether the engine is alive. */
class Engine {
  /** Called once, when a connected engine can't be reached any more. */
  onGone: () => void = () => undefined;

  private client: EngineClient | undefined;

  constructor(address: string | undefined) {
    if (address !== undefined) {
      this.connect(address);
    }
  }

  connect(address: string): void {
    this.client?.close();
    this.client = new EngineClient(address, credentials.createInsecure(), unlimitedMessages);
    this.watch(this.client, false);
  }

  logOf(urn: string): Log {
    const send = async (
      severity: LogSeverity,
      message: string,
      ephemeral: boolean,
    ): Promise<void> => {
      const client = this.client;
      if (client === undefined) {
        return;
      }
      const request = new LogRequest()
        .setUrn(urn)
        .setSeverity(severity)
        .setMessage(message)
        .setEphemeral(ephemeral);
      await new Promise<void>((resolve) => {
        client.log(request, (error) => {
          if (error) {
            process.stderr.write(
              `the engine didn't take a message: ${error.message}: ${message}\n`,
            );
          }
          resolve();
        });
      });
    };
    return {
      status: async (message) => send(LogSeverity.INFO, message, true),
      warning: async (message) => send(LogSeverity.WARNING, message, false),
      error: async (message) => send(LogSeverity.ERROR, message, false),
    };
  }

  /**
   * A killed engine doesn't end its plugins. A connection that is lost and can't be restored shows
   * that the engine is gone.
   */
  private watch(client: EngineClient, wasReady: boolean): void {
    const channel = client.getChannel();
    const state = channel.getConnectivityState(true);
    if (wasReady && state === connectivityState.TRANSIENT_FAILURE) {
      this.onGone();
      return;
    }
    if (state !== connectivityState.SHUTDOWN) {
      channel.watchConnectivityState(state, Infinity, (error) => {
        if (!error && client === this.client) {
          this.watch(client, wasReady || state === connectivityState.READY);
        }
      });
    }
  }
}

/** A URN is `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
function parseUrn(urn: string): { token: string; name: string } {
  const [, , types, ...name] = urn.split("::");
  const token = types?.split("$").at(-1);
  if (token === undefined || name.length === 0) {
    throw new StatusError(status.INVALID_ARGUMENT, `${JSON.stringify(urn)} is not a URN`);
  }
  return { token, name: name.join("::") };
}

function resourceType(provider: ProviderDefinition, token: string): ResourceType {
  const type = provider.resources[token];
  if (type === undefined) {
    const known = Object.keys(provider.resources).join(", ");
    throw new StatusError(
      status.NOT_FOUND,
      `resource type ${token} is not in this stand-in for the ${provider.name} plugin, which has ${known}; ` +
        `install the official plugin to use it`,
    );
  }
  return type;
}

function checkResponse(type: ResourceType, news: Properties): messages.CheckResponse {
  const { inputs, failures } = checkInputs(type.inputs, news);
  return new messages.CheckResponse()
    .setInputs(write(inputs))
    .setFailuresList(failures.map(failureMessage));
}

function failureMessage({ property, reason }: Failure): messages.CheckFailure {
  return new messages.CheckFailure().setProperty(property).setReason(reason);
}

function diffResponse(type: ResourceType, request: messages.DiffRequest): messages.DiffResponse {
  const olds = read(request.getOlds());
  // Engines since October 2023 send the old inputs. With an older one, only the state is there to
  // compare with.
  const oldInputs = request.hasOldInputs() ? read(request.getOldInputs()) : olds;
  const news = ignoring(request.getIgnorechangesList(), olds, read(request.getNews()));
  const changes = [...difference(only(type.inputs, oldInputs), only(type.inputs, news))];
  const paths = changes.map(([path]) => path);
  const response = new messages.DiffResponse()
    .setHasdetaileddiff(true)
    .setChanges(
      changes.length > 0
        ? messages.DiffResponse.DiffChanges.DIFF_SOME
        : messages.DiffResponse.DiffChanges.DIFF_NONE,
    )
    .setDiffsList(topLevel(paths))
    .setReplacesList(topLevel(paths.filter((path) => type.replaces(path))));
  for (const [path, change] of changes) {
    const kind = diffKinds[change][type.replaces(path) ? "replace" : "update"];
    response.getDetaileddiffMap().set(path, new messages.PropertyDiff().setKind(kind));
  }
  return response;
}

/** The top-level properties of these paths, which the engine's display names. */
function topLevel(paths: string[]): string[] {
  return [...new Set(paths.map((path) => path.replace(/[.[].*$/, "")))];
}

const { Kind } = messages.PropertyDiff;
const diffKinds: Record<Change, Record<"update" | "replace", messages.PropertyDiff.Kind>> = {
  add: { update: Kind.ADD, replace: Kind.ADD_REPLACE },
  delete: { update: Kind.DELETE, replace: Kind.DELETE_REPLACE },
  update: { update: Kind.UPDATE, replace: Kind.UPDATE_REPLACE },
};

/** The inputs only: no outputs, provider version or properties of the engine. */
function only(fields: Fields, properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => name in fields));
}

function ignoring(names: string[], olds: Properties, news: Properties): Properties {
  const kept = Object.entries(olds).filter(([name]) => names.includes(name));
  return { ...news, ...Object.fromEntries(kept) };
}

function read(struct: Struct | undefined): Properties {
  return withoutNulls(struct?.toJavaScript() ?? {});
}

function write(properties: Properties): Struct {
  return Struct.fromJavaScript(properties);
}

function packageSchema({ name, version, resources }: ProviderDefinition): Properties {
  return {
    name,
    version,
    resources: Object.fromEntries(
      Object.entries(resources).map(([token, { inputs, outputs }]) => {
        const input = objectSchema(inputs);
        const output = objectSchema({ ...inputs, ...outputs });
        return [
          token,
          {
            inputProperties: input.properties,
            requiredInputs: input.required,
            properties: output.properties,
            required: output.required,
          },
        ];
      }),
    ),
  };
}
