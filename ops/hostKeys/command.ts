// `lvs scan-host-keys`: compares the hosts' keys with the pinned ones, or prints the keys of new
// hosts for the config.
import { isIPv6 } from "node:net";
import type { Command } from "commander";
import { exitCodes, UsageError } from "../exit";
import { type StackCommandOptions, stackCommand } from "../options";
import { type Ssh, withSsh } from "../ssh";
import type { Login } from "../../components/host/openssh";
import { table } from "../table";
import { printableIn } from "../printable";
import { colorsOn, complain, print, printJson } from "../voice";
import { type ConfigHost, readConfigHosts } from "./hosts";
import { fingerprint, isSameKey, type Place, scan, type Shown } from "./scan";

interface Options extends StackCommandOptions {
  proxy?: boolean;
  json?: boolean;
}

/** Adds `lvs scan-host-keys`. */
export function addScanHostKeys(program: Command): void {
  stackCommand(program, "scan-host-keys")
    .description("print the host keys that the stack's hosts show, beside the pinned ones")
    .argument("[address...]", "new hosts instead, as HOST, HOST:PORT or [IPV6]:PORT")
    .option("--proxy", "reach new hosts through the stack's bastion (ssh.proxy)")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nThe network can lie: compare a new key with what the host says on its console:\n" +
        "  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n" +
        "Exit code: 0 no host shows another key than the pinned one, 1 one does, 2 usage, 3 a host could not be asked.",
    )
    .action(async (addresses: string[], options: Options) => {
      if (addresses.length > 0) await scanNew(addresses.map(placeOf), options);
      else await scanStack(options);
    });
}

/** The result for one host: an entry of the output with `--json`. */
interface Scanned {
  /** Its name in the config; null for a new host. */
  name: string | null;
  host: string;
  port: number;
  /** null for a new host: no key is pinned for it. */
  verdict: Verdict | null;
  hostKey: string | null;
  fingerprint: string | null;
  pinned: string | null;
  /** Why the host showed no key; null when it did. */
  problem: string | null;
}

function scanned(
  { host, port, name, hostKey }: Place & { name?: string; hostKey?: string },
  answer: Shown,
  verdict: Verdict | null,
): Scanned {
  const shown = "why" in answer ? null : answer.hostKey;
  return {
    name: name ?? null,
    host,
    port,
    verdict,
    hostKey: shown,
    fingerprint: shown === null ? null : fingerprint(shown),
    pinned: hostKey ?? null,
    problem: "why" in answer ? answer.why : null,
  };
}

async function scanNew(places: readonly Place[], { proxy, ...options }: Options): Promise<void> {
  const through = proxy ? (await readConfigHosts(options)).proxy : undefined;
  if (proxy && through === undefined) throw new UsageError("the stack config has no ssh.proxy");
  const shown = await scanAll(places, through, options);
  if (options.json) {
    printJson({ hosts: shown.map(({ place, answer }) => scanned(place, answer, null)) });
  }
  for (const { place, answer } of shown) {
    const name = `${place.host}${place.port === 22 ? "" : ` port ${place.port}`}`;
    if ("why" in answer) complain(`lvs: ${name}: ${answer.why}`);
    else if (!options.json) {
      print(`# ${name} ${fingerprint(answer.hostKey)}`);
      print(`hostKey: ${answer.hostKey}`);
    }
  }
  if (shown.some(({ answer }) => "why" in answer)) process.exitCode = exitCodes.couldNotLook;
}

type Verdict = "match" | "MISMATCH" | "not pinned" | "no answer";

interface Row {
  host: ConfigHost;
  answer: Shown;
  verdict: Verdict;
}

async function scanStack(options: Options): Promise<void> {
  const { hosts, proxy } = await readConfigHosts(options);
  const rows: Row[] = (await scanAll(hosts, proxy, options)).map(({ place, answer }) => ({
    host: place,
    answer,
    verdict: verdictOf(place, answer),
  }));
  if (options.json) {
    printJson({ hosts: rows.map(({ host, answer, verdict }) => scanned(host, answer, verdict)) });
  } else printTable(rows);
  const has = (verdict: Verdict) => rows.some((row) => row.verdict === verdict);
  if (has("MISMATCH")) process.exitCode = exitCodes.wrong;
  else if (has("no answer")) process.exitCode = exitCodes.couldNotLook;
}

function printTable(shown: readonly Row[]): void {
  const rows = printableIn(shown);
  const colors = colorsOn(process.stdout);
  print(
    table(
      ["HOST", "ADDRESS", "KEY", "SHOWN", "PINNED"],
      rows.map(({ host, answer, verdict }) => [
        host.name,
        `${host.host}${host.port === 22 ? "" : `:${host.port}`}`,
        verdict === "match" ? colors.green(verdict) : colors.red(verdict),
        "why" in answer ? answer.why : fingerprint(answer.hostKey),
        host.hostKey === undefined ? "-" : fingerprint(host.hostKey),
      ]),
      colors,
    ),
  );
  for (const { host, answer, verdict } of rows) {
    if ("why" in answer || verdict === "match") continue;
    print(`\n${host.name} shows\n  hostKey: ${answer.hostKey}`);
  }
}

/** Compares a host's key with the pinned one. */
export function verdictOf({ hostKey }: ConfigHost, answer: Shown): Verdict {
  if ("why" in answer) return "no answer";
  if (hostKey === undefined) return "not pinned";
  return isSameKey(hostKey, answer.hostKey) ? "match" : "MISMATCH";
}

/** Asks all hosts at once, through the bastion if there is one. */
function scanAll<T extends Place & { hostKey?: string }>(
  places: readonly T[],
  proxy: Login | undefined,
  { timeout }: Options,
): Promise<{ place: T; answer: Shown }[]> {
  const all = (through?: { ssh: Ssh; name: string }) =>
    Promise.all(
      places.map(async (place) => ({
        place,
        answer: await scan(place, timeout, place.hostKey, through),
      })),
    );
  if (proxy === undefined) return all();
  const bastion = { name: "bastion", connection: proxy };
  return withSsh([bastion], { timeoutSeconds: timeout }, (ssh) => all({ ssh, name: bastion.name }));
}

/** @throws UsageError when the text is not an address with an optional port */
function placeOf(text: string): Place {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  // Several colons without brackets are an IPv6 address without a port.
  const host = bracketed ?? plain ?? text;
  const number = Number(port ?? 22);
  const isHost = plain !== undefined ? !plain.startsWith("-") : isIPv6(host);
  if (number >= 1 && number <= 65535 && isHost) return { host, port: number };
  throw new UsageError(`${text} is not HOST, HOST:PORT or [IPV6]:PORT`);
}
