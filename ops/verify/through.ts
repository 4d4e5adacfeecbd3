// A request through each virtual IP from the operator's machine: HTTP where the check is HTTP,
// otherwise a TCP connection.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Colors } from "picocolors/types";
import type { HttpCheck, Service } from "../../components/model";
import { kernelEndpoint } from "../ipvs";
import type { Stack } from "../stack";
import { printableIn } from "../printable";

/** A virtual server's answer. */
export interface ThroughVip {
  name: string;
  service: string;
  /** The request: `GET http://192.0.2.100/`. */
  asked: string;
  /** The response; null when nothing was asked or nothing came. */
  answer: string | null;
  problem: string | null;
}

const limitSeconds = 5;

/** Asks every virtual server at once. */
export function throughAll({ hosts }: Stack): Promise<ThroughVip[]> {
  const doors = new Map<string, Door>();
  for (const service of hosts.flatMap(({ director }) => director.services)) {
    if (service.forChecks) continue;
    for (const door of doorsOf(service)) doors.set(door.named, door);
  }
  return Promise.all([...doors.values()].map(through));
}

/** An address and port where clients reach a virtual server. */
interface Door {
  service: Service;
  /** `TCP 192.0.2.100:80`; for a mark, `FWM 7 by TCP 192.0.2.100:80`. */
  named: string;
  protocol: string;
  address: string;
  /** Absent where the service covers every port. */
  port?: number;
}

function doorsOf(service: Service): Door[] {
  return service.traffic.map((flow) => {
    const { protocol, address, port } = flow;
    const place = port === undefined ? address : kernelEndpoint(address, port);
    const named = service.isMark ? `${service.service} by ${protocol} ${place}` : service.service;
    return { service, named, ...flow };
  });
}

/** Draws the answers, one line each. */
export function throughPicture(answers: readonly ThroughVip[], colors: Colors): string {
  return printableIn(answers)
    .map(({ name, asked, answer, problem }) => {
      const mark =
        problem !== null
          ? colors.red("✘")
          : answer === null
            ? colors.yellow("▲")
            : colors.green("●");
      return `${mark} ${colors.bold(name)}  ${[asked, answer ?? problem].filter(Boolean).join(": ")}`;
    })
    .join("\n");
}

async function through(door: Door): Promise<ThroughVip> {
  const { service, named, protocol, address, port } = door;
  const about = { name: service.name, service: service.service, answer: null, problem: null };
  const why = unaskable(door);
  if (why !== undefined || port === undefined) {
    return { ...about, asked: `not asked: ${named}: ${why ?? ""}` };
  }
  const { check } = service;
  const asked = check
    ? url(address, port, check)
    : `${protocol} connection to ${kernelEndpoint(address, port)}`;
  try {
    const answer = check ? await get(address, port, check) : await dial(address, port);
    return { ...about, asked, answer };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    if (code === "ENETUNREACH") {
      return { ...about, asked: `not asked: ${named}: this machine has no route to ${address}` };
    }
    return { ...about, asked, problem: message };
  }
}

/** Why nothing can be asked there; undefined when it can. */
function unaskable({ protocol, port }: Door): string | undefined {
  if (protocol === "UDP") return "UDP answers only who knows what to ask";
  if (protocol !== "TCP") return `${protocol} can't be spoken from here`;
  return port === undefined ? "it has every port" : undefined;
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
      // Like keepalived's SSL_GET, don't verify the certificate: the question is whether it
      // answers.
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
