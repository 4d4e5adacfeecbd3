/** Servers for protocols other than HTTP on the real servers, and the client that asks them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Lab } from "./instance";
import { inClient, onHost } from "./lab";
import { waitFor } from "./waitFor";

/** A server that answers with its host's name. */
export interface Service {
  /**
   * `tcp` and `sctp` answer like a web server, `smtp` like a mail server, `dns` with a TXT record.
   */
  protocol: "tcp" | "smtp" | "udp" | "dns" | "sctp";
  port: number;
  /**
   * The address to listen on, even before the host has it.
   * @default all of the host's IPv4 addresses
   */
  address?: string;
}

/** Starts a server on a host; it runs until {@link stopServices} or a reboot. */
export async function startService(lab: Lab, host: string, service: Service): Promise<void> {
  const { protocol, port, address = "" } = service;
  const file = "/run/lvs-ha-lab-answer.pl";
  const unit = unitOf(service);
  const { stderr, exitCode } = await onHost(
    lab,
    host,
    `sudo -n sh -c 'cat >${file} && { [ ${protocol} != sctp ] || modprobe sctp; } &&
      systemd-run --quiet --collect --unit=${unit} perl ${file} ${protocol} ${port} ${host} ${address}'`,
    { input: script("answer.pl") },
  );
  if (exitCode !== 0) throw new Error(`${host}: ${unit} did not start: ${stderr}`);
  await waitFor(
    async () => {
      const { stdout } = await onHost(
        lab,
        host,
        `systemctl is-active ${unit}; cat /proc/net/${sockets[protocol]}*`,
      );
      const hex = port.toString(16).toUpperCase().padStart(4, "0");
      return stdout.includes(`:${hex} `) || (protocol === "sctp" && stdout.includes(` ${port} `));
    },
    { what: `${unit} on ${host} listens`, timeoutSeconds: 10 },
  );
}

/** Stops one server of a host. */
export async function stopService(lab: Lab, host: string, service: Service): Promise<void> {
  const unit = unitOf(service);
  const { stderr, exitCode } = await onHost(lab, host, `sudo -n systemctl stop ${unit}`);
  if (exitCode !== 0) throw new Error(`${host}: ${unit} did not stop: ${stderr}`);
}

/** Stops every server that {@link startService} started on a host. */
export async function stopServices(lab: Lab, host: string): Promise<void> {
  await onHost(lab, host, `sudo -n systemctl stop '${unitPrefix}*'`);
}

/** Requests from the client or another host, one after the other. */
export interface Asking {
  protocol: Exclude<Service["protocol"], "smtp">;
  address: string;
  port: number;
  count: number;
  /** Send all datagrams from one port. @default false: each from a port of its own */
  onePort?: boolean;
  /** The requests' source address. @default the route's */
  from?: string;
  /** The host that asks. @default the client */
  host?: string;
}

/** Counts answers by name; requests without an answer after 2 s count as `nobody`. */
export async function ask(lab: Lab, asking: Asking): Promise<Record<string, number>> {
  const { protocol, address, port, count, onePort = false, from, host } = asking;
  const words = [protocol, address, port, count, onePort ? "one" : "new", from ?? ""].map(String);
  const args = ["-", ...words.filter((word) => word !== "")];
  const options = { input: script("ask.pl"), timeoutSeconds: 30 + 3 * count };
  const { stdout, stderr, exitCode } =
    host === undefined
      ? await inClient(lab, "perl", args, options)
      : await onHost(lab, host, ["perl", ...args].join(" "), options);
  if (exitCode !== 0) throw new Error(`asking ${address} ended with ${exitCode}: ${stderr}`);
  const answers: Record<string, number> = {};
  for (const name of stdout.trim().split("\n")) answers[name] = (answers[name] ?? 0) + 1;
  return answers;
}

/** The files in /proc/net that list the kernel's sockets. */
const sockets = {
  tcp: "tcp",
  smtp: "tcp",
  udp: "udp",
  dns: "udp",
  sctp: "sctp/eps",
} as const satisfies Record<Service["protocol"], string>;

const unitPrefix = "lab-answer-";

function unitOf({ protocol, port }: Service): string {
  return `${unitPrefix}${protocol}-${port}`;
}

function script(name: string): string {
  return readFileSync(join(__dirname, "services", name), "utf8");
}
