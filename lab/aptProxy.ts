/**
 * How packages get into the lab: an HTTP proxy that listens inside the lab's network and fetches
 * from the machine's network. It serves only Debian's archive, and keeps what never changes:
 * package files, and lists that are named by their digest.
 *
 * The proxy is this file, run as a process of its own. A child inside the network namespace opens
 * the listening socket, hands it over and ends: a socket stays in the namespace where it was
 * opened, whichever process has it.
 */
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, createServer, request } from "node:http";
import { type AddressInfo, Server, createServer as createListener } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";

import { daemonLog, runningDaemon, startDaemon, stopDaemon } from "./daemon";
import { debianArchive, machineAptProxy } from "./debianArchive";
import type { Lab } from "./instance";
import { inNamespace } from "./network";
import { cacheDirectory } from "./paths";
import { run } from "./run";
import { waitFor } from "./waitFor";

const daemonName = "apt-proxy";

/** On the operator's private address. `guest/etc/apt/apt.conf.d/80lab` repeats it. */
const port = 3142;

/** Starts the proxy, unless it runs, and waits until it answers. */
export async function startAptProxy(lab: Lab): Promise<void> {
  await startDaemon(lab, {
    name: daemonName,
    command: process.execPath,
    args: [...typescript, __filename, "serve", lab.namespaces.operator, lab.topology.operator.ipv4],
  });
  await waitFor(() => answers(lab), {
    what: `the package proxy answers (its log: ${daemonLog(lab, daemonName)})`,
    timeoutSeconds: 20,
    intervalSeconds: 0.1,
  });
}

/** Ends the proxy. The packages it has stored stay in the cache. */
export async function stopAptProxy(lab: Lab): Promise<void> {
  await stopDaemon(lab, daemonName);
}

/** Node options that run this TypeScript file. */
const typescript = ["--import", pathToFileURL(require.resolve("tsx")).href];

async function answers(lab: Lab): Promise<boolean> {
  if (runningDaemon(lab, daemonName) === undefined) throw new Error("its process has ended");
  const url = `http://${lab.topology.operator.ipv4}:${port}/`;
  const [file, args] = inNamespace(lab.namespaces.operator, "curl", ["-sS", "-m", "2", url]);
  const { exitCode, stderr } = await run(file, args);
  if (exitCode !== 0) throw new Error(stderr.trim());
  return true;
}

/** The proxy's process. It listens on an address inside a namespace. */
async function serve(namespace: string, address: string): Promise<void> {
  const upstreamProxy = process.env.http_proxy ?? (await machineAptProxy());
  const store = join(cacheDirectory(), "packages");
  await mkdir(store, { recursive: true });
  const proxy = createServer((incoming, answer) => {
    handle(incoming, answer, { store, upstreamProxy }).catch((error: unknown) => {
      console.error(incoming.url, error);
      if (answer.headersSent) answer.destroy();
      else say(answer, 502, `the lab's package proxy could not fetch it: ${String(error)}`);
    });
  });
  proxy.listen(await listenerInside(namespace, address));
}

interface Upstream {
  store: string;
  upstreamProxy: string | undefined;
}

async function handle(
  incoming: IncomingMessage,
  answer: ServerResponse,
  upstream: Upstream,
): Promise<void> {
  const { method, url: asked = "" } = incoming;
  const url = archiveUrl(asked);
  if (!url) {
    const allowed = archives.map((archive) => archive.href).join("* and ");
    say(answer, 403, `the lab's package proxy serves ${allowed}* only, not ${asked}`);
  } else if (method !== "GET" && method !== "HEAD") {
    say(answer, 405, `the lab's package proxy answers GET and HEAD only, not ${String(method)}`);
  } else if (method === "GET" && neverChanges(url)) {
    await sendKept(url, answer, upstream);
  } else {
    // apt asks with If-Modified-Since, so an unchanged list isn't sent again.
    const response = await fetchFrom(url, upstream, method, incoming.headers);
    answer.writeHead(response.statusCode ?? 502, response.headers);
    await pipeline(response, answer);
  }
}

const archives = [debianArchive.main, debianArchive.security].map((url) => new URL(`${url}/`));

function archiveUrl(asked: string): URL | undefined {
  const url = URL.canParse(asked) ? new URL(asked) : undefined;
  return archives.some((archive) => url?.href.startsWith(archive.href)) ? url : undefined;
}

/**
 * Whether the file can be stored: a package file's name has its version, and a `by-hash` name is
 * the file's digest.
 */
function neverChanges(url: URL): boolean {
  return url.pathname.endsWith(".deb") || url.pathname.includes("/by-hash/");
}

/** Downloads in progress, by file: guests ask for the same packages at the same time. */
const downloads = new Map<string, Promise<number>>();

async function sendKept(url: URL, answer: ServerResponse, upstream: Upstream): Promise<void> {
  const file = join(upstream.store, createHash("sha256").update(url.href).digest("hex"));
  if (!existsSync(file)) {
    const download =
      downloads.get(file) ??
      keep(url, file, upstream).finally(() => {
        downloads.delete(file);
      });
    downloads.set(file, download);
    const status = await download;
    if (status !== 200) {
      say(answer, status, `${url.href}: the archive answered ${status}`);
      return;
    }
  }
  answer.writeHead(200, { "content-length": (await stat(file)).size });
  await pipeline(createReadStream(file), answer);
}

/** Downloads beside the file and renames, so that an existing file is always complete. */
async function keep(url: URL, file: string, upstream: Upstream): Promise<number> {
  const response = await fetchFrom(url, upstream);
  const status = response.statusCode ?? 502;
  if (status !== 200) {
    response.resume();
    return status;
  }
  const unfinished = `${file}.unfinished`;
  try {
    await pipeline(response, createWriteStream(unfinished));
    const expected = response.headers["content-length"];
    const { size } = await stat(unfinished);
    if (expected !== undefined && size !== Number(expected)) {
      throw new Error(`${url.href} ended after ${size} of ${expected} bytes`);
    }
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
  return status;
}

function fetchFrom(
  url: URL,
  { upstreamProxy }: Upstream,
  method = "GET",
  headers: IncomingMessage["headers"] = {},
): Promise<IncomingMessage> {
  const hop = upstreamProxy === undefined ? url : new URL(upstreamProxy);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: hop.hostname,
        port: hop.port || 80,
        auth: hop.username ? `${hop.username}:${hop.password}` : null,
        path: upstreamProxy === undefined ? url.pathname + url.search : url.href,
        method,
        headers: { ...headers, host: url.host },
        timeout: 60_000,
      },
      resolve,
    );
    outgoing.on("timeout", () => {
      outgoing.destroy(new Error(`${hop.host} said nothing for 60 s`));
    });
    outgoing.on("error", reject).end();
  });
}

function say(answer: ServerResponse, status: number, text: string): void {
  answer.writeHead(status, { "content-type": "text/plain" }).end(`${text}\n`);
}

/** A listening socket inside the lab's network, for this process outside it. */
function listenerInside(namespace: string, address: string): Promise<Server> {
  const [nsenter, args] = inNamespace(namespace, process.execPath, typescript);
  const child = fork(__filename, ["listen", address], { execPath: nsenter, execArgv: args });
  return new Promise((resolve, reject) => {
    child.once("message", (_message, handle) => {
      if (handle instanceof Server) resolve(handle);
      else reject(new Error("the process inside the lab's network sent no socket"));
      child.disconnect();
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      reject(new Error(`the process inside the lab's network ended with status ${String(code)}`));
    });
  });
}

/**
 * The child inside the network namespace. It must end: while it holds the socket, it takes some of
 * the connections.
 */
function listen(address: string): void {
  process.once("disconnect", () => process.exit(0));
  const listener = createListener().listen(port, address, () => {
    const bound = listener.address() as AddressInfo;
    process.send?.(`listening on ${bound.address}:${bound.port}`, listener);
  });
}

if (require.main === module) {
  const [, , role, first = "", second = ""] = process.argv;
  if (role === "listen") listen(first);
  else void serve(first, second);
}
