// Parsers for keepalived's log: the state of each VRRP instance, as vrrp.sh extracts it, and moves
// of real servers in pools.
import { destinationKey, kernelEndpoint, type ServiceName } from "./ipvs";

/** A VRRP instance's latest change. */
export interface Transition {
  state: "MASTER" | "BACKUP" | "FAULT";
  /** Unix time in seconds. */
  at: number;
}

/**
 * Parses vrrp.sh's output: the latest state that each instance has logged since keepalived started.
 */
export function parseVrrpStates(text: string): Map<string, Transition> {
  const found = new Map<string, Transition>();
  for (const [, at, state, instance = ""] of text.matchAll(
    /^(\d{1,11}\.\d+) (MASTER|BACKUP|FAULT) (.+)$/gm,
  )) {
    found.set(instance, { state: state as Transition["state"], at: Number(at) });
  }
  return found;
}

/**
 * Whether the log reaches back to keepalived's start. If so, an instance missing from it has logged
 * nothing since.
 */
export function knowsStart(text: string): boolean {
  return /^\d+\.\d+ started$/m.test(text);
}

/** Parses the states that metrics.sh remembers: `backup VI_1`. */
export function parseRemembered(text: string): Map<string, Transition["state"]> {
  return new Map(
    [...text.matchAll(/^(master|backup|fault) (.+)$/gm)].map(([, state = "", instance = ""]) => [
      instance,
      state.toUpperCase() as Transition["state"],
    ]),
  );
}

/** The latest time a real server left or joined a pool. */
export interface Move {
  out: boolean;
  /** Unix time in seconds. */
  at: number;
}

/**
 * The latest move of each real server since the checkers started, by {@link moveKey}. A real server
 * that is absent has never been out.
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

/** Names a real server of a service. The log doesn't distinguish the address families of a mark. */
export function moveKey(service: ServiceName, server: string): string {
  return destinationKey(service.replace(/ IPv6$/, ""), server);
}

/** Parses a name in the log: `[192.0.2.100]:tcp:80`, or `FWM 1`. */
function logged(text: string): { service: ServiceName; endpoint: string } {
  const [, address, protocol = "", port] = /^\[(.+)\]:(\w+):(\d+)$/.exec(text) ?? [];
  if (address === undefined) return { service: text, endpoint: text };
  const name = kernelEndpoint(address, Number(port));
  return { service: `${protocol.toUpperCase()} ${name}`, endpoint: name };
}

/**
 * Lines of `journalctl -r -o short-unix`, from the latest back to the latest start or stop of the
 * process.
 */
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
