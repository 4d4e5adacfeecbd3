// A request through each virtual IP, from the operator's machine: by HTTP where the check is HTTP, otherwise a TCP connection.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Colors } from "picocolors/types";
import { type HttpCheck, readDirectorConfig, type Service } from "../directorConfig";
import type { Stack } from "../stack";
import { directorConfigText } from "../steps";

/** How a virtual server answered. */
export interface ThroughVip {
  name: string;
  service: string;
  /** What was asked: `GET http://192.0.2.100/`. */
  asked: string;
  /** What came back; null when nothing was asked, or nothing came. */
  answer: string | null;
  problem: string | null;
}

const limitSeconds = 5;

/** Asks every virtual server at once. */
export function throughAll({ hosts }: Stack): Promise<ThroughVip[]> {
  const services = new Map<string, Service>();
  for (const host of hosts.filter(({ role }) => role === "director")) {
    for (const service of readDirectorConfig(directorConfigText(host)).services) {
      if (!service.forChecks) services.set(service.service, service);
    }
  }
  return Promise.all([...services.values()].map(through));
}

/** Draws it, a line each. */
export function throughPicture(answers: readonly ThroughVip[], colors: Colors): string {
  return answers
    .map(({ name, asked, answer, problem }) => {
      const mark = problem === null ? colors.green("●") : colors.red("✘");
      return `${mark} ${colors.bold(name)}  ${[asked, answer ?? problem].filter(Boolean).join(": ")}`;
    })
    .join("\n");
}

async function through(service: Service): Promise<ThroughVip> {
  const { name, address, port = 0, service: named } = service;
  const about = { name, service: named, answer: null, problem: null };
  if (address === undefined) return { ...about, asked: `not asked: ${named} has no address` };
  if (!named.startsWith("TCP ")) return { ...about, asked: `not asked: ${named} is not TCP` };
  const check = service.realServers.find((member) => member.check)?.check;
  const asked = check ? url(address, port, check) : `TCP connection to ${named.slice(4)}`;
  try {
    const answer = check ? await get(address, port, check) : await dial(address, port);
    return { ...about, asked, answer };
  } catch (error) {
    return { ...about, asked, problem: (error as Error).message };
  }
}

function url(address: string, port: number, { tls, path, virtualHost }: HttpCheck): string {
  const host = address.includes(":") ? `[${address}]` : address;
  const named = virtualHost === undefined ? "" : ` (Host: ${virtualHost})`;
  return `GET ${tls ? "https" : "http"}://${host}:${port}${path}${named}`;
}

function get(address: string, port: number, check: HttpCheck): Promise<string> {
  const { tls, path, virtualHost, statusCodes } = check;
  return new Promise((resolve, reject) => {
    const options = {
      host: address,
      port,
      path,
      headers: { Connection: "close", ...(virtualHost ? { Host: virtualHost } : {}) },
      signal: AbortSignal.timeout(limitSeconds * 1000),
      // As keepalived's SSL_GET: whether it answers is asked, not who it is.
      ...(tls ? { rejectUnauthorized: false, servername: virtualHost ?? "" } : {}),
    };
    const request = (tls ? httpsRequest : httpRequest)(options, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      if (isRight(statusCode, statusCodes)) resolve(String(statusCode));
      else reject(new Error(`status ${statusCode} instead of ${statusCodes.join(", ")}`));
    });
    request.on("error", (error) => {
      reject(withoutAnswer(error));
    });
    request.end();
  });
}

function isRight(status: number, allowed: readonly string[]): boolean {
  return allowed.some((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return first <= status && status <= last;
  });
}

function dial(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal: AbortSignal.timeout(limitSeconds * 1000) });
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", (error) => {
      reject(withoutAnswer(error));
    });
  });
}

function withoutAnswer(error: Error): Error {
  return error.name === "AbortError" ? new Error(`no answer in ${limitSeconds} s`) : error;
}
