// What keepalived's log tells: what each VRRP instance is and since when, as vrrp.sh has read it there; and who was taken out of a pool.
import { destinationKey, kernelEndpoint, type ServiceName } from "./ipvs";

/** A VRRP instance's latest change. */
export interface Transition {
  state: "MASTER" | "BACKUP" | "FAULT";
  /** Unix time in seconds. */
  at: number;
}

/** What vrrp.sh has read in keepalived's log: by instance, what it has said last since it was started. */
export function parseVrrpStates(text: string): Map<string, Transition> {
  const found = new Map<string, Transition>();
  for (const [, at, state, instance = ""] of text.matchAll(
    /^(\d{1,11}\.\d+) (MASTER|BACKUP|FAULT) (.+)$/gm,
  )) {
    found.set(instance, { state: state as Transition["state"], at: Number(at) });
  }
  return found;
}

/** Whether the log goes back to keepalived's start: an instance that isn't in it has said nothing since. */
export function knowsStart(text: string): boolean {
  return /^\d+\.\d+ started$/m.test(text);
}

/** What metrics.sh has remembered: `backup VI_1`. */
export function parseRemembered(text: string): Map<string, Transition["state"]> {
  return new Map(
    [...text.matchAll(/^(master|backup|fault) (.+)$/gm)].map(([, state = "", instance = ""]) => [
      instance,
      state.toUpperCase() as Transition["state"],
    ]),
  );
}

/** A real server's latest move. */
export interface Move {
  out: boolean;
  /** Unix time in seconds. */
  at: number;
}

/**
 * By {@link moveKey}, the latest move of each real server since the checkers were started. One that isn't here has never been out.
 */
export function parsePoolLog(text: string): Map<string, Move> {
  const latest = new Map<string, Move>();
  for (const { at, message } of messages(text, "Starting Healthcheck")) {
    const [, verb, server = "", service = ""] =
      /^(Add|Remov|Enabl|Disabl)ing (?:sorry server|service) (\S+) (?:to|from|of) VS (.+)$/.exec(
        message,
      ) ?? [];
    if (verb === undefined) continue;
    const key = moveKey(logged(service).service, logged(server).endpoint);
    if (!latest.has(key)) latest.set(key, { out: verb === "Remov" || verb === "Disabl", at });
  }
  return latest;
}

/** A real server of a service. The log doesn't tell the families of a mark apart. */
export function moveKey(service: ServiceName, server: string): string {
  return destinationKey(service.replace(/ IPv6$/, ""), server);
}

/** `[192.0.2.100]:tcp:80`, or `FWM 1`. */
function logged(text: string): { service: ServiceName; endpoint: string } {
  const [, address, protocol = "", port] = /^\[(.+)\]:(\w+):(\d+)$/.exec(text) ?? [];
  if (address === undefined) return { service: text, endpoint: text };
  const name = kernelEndpoint(address, Number(port));
  return { service: `${protocol.toUpperCase()} ${name}`, endpoint: name };
}

/** Lines of `journalctl -r -o short-unix`, from the latest back to the one in which the process was started or stopped. */
function messages(text: string, started: string): { at: number; message: string }[] {
  const found: { at: number; message: string }[] = [];
  for (const line of text.split("\n")) {
    const [, at, message = ""] = /^(\d{1,11}\.\d+) \S+ \S+: (.*)$/.exec(line) ?? [];
    if (at === undefined) continue;
    if (message.startsWith(started) || message.startsWith("Stopped Keepalived")) break;
    found.push({ at: Number(at), message });
  }
  return found;
}
