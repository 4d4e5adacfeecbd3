// `lvs drain` stops new connections to a real server for some minutes; `lvs undrain` lets them in
// again.
import type { Command } from "commander";
import type { Colors } from "picocolors/types";
import { CouldNotLook, exitCodes, Refused } from "../exit";
import { type StackCommandOptions, stackCommand, wholeNumber } from "../options";
import { type Ssh, Unreachable, withSsh } from "../ssh";
import { readStack, type Stack, type StackHost } from "../stack";
import { see } from "../status/see";
import { printableIn } from "../printable";
import { colorsOn, print, printJson } from "../voice";
import { realServerAddresses, lastIn } from "./members";

interface Options extends StackCommandOptions {
  json?: boolean;
}

interface DrainOptions extends Options {
  seconds: number;
  partly?: boolean;
}

/** Adds `lvs drain` and `lvs undrain`. */
export function addDrain(program: Command): void {
  stackCommand(program, "drain")
    .description("keep new connections from a real server, and wait until the open ones have ended")
    .argument("<real-server>", "its name in the stack")
    .option(
      "--seconds <number>",
      "how long to wait for open connections, at most",
      wholeNumber(0, 3600, " of seconds"),
      30,
    )
    .option("--partly", "leave it in where it is the last one, and take it out of the other pools")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nWaited for are connections of the director that holds the virtual address, which still have packets. Those that are silent" +
        "\nfor as long as it waits, and those that a standby was told of, are shown only." +
        "\nFor minutes: a restart of keepalived, or a check that fails and succeeds again, brings it in. What lasts is lvs maintenance." +
        "\nExit code: 0 done, 1 it is the last one in a pool, connections are left, or a director was not told, 2 usage," +
        " 3 no director could be asked.",
    )
    .action((realServer: string, options: DrainOptions) =>
      onDirectors(realServer, options, async (ssh, stack) => {
        const last = lastIn(await see(ssh, stack), realServer);
        if (last.length > 0 && !options.partly) {
          throw new Refused(
            `${realServer} is the last one in a pool: ${last.join("; ")}; --partly takes it out of the others`,
          );
        }
        return ["drain", String(options.seconds)];
      }),
    );
  stackCommand(program, "undrain")
    .description("let a drained real server have new connections again, once its checks succeed")
    .argument("<real-server>", "its name in the stack")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nExit code: 0 done, 1 its check fails, or a director was not told, 2 usage, 3 no director could be asked.",
    )
    .action((realServer: string, options: Options) =>
      onDirectors(realServer, options, () => Promise.resolve(["undrain"])),
    );
}

/** The result on one director: an entry of the output with `--json`. */
interface Told {
  director: string;
  /** Why the director gave no answer; null when it did. */
  unreachable: string | null;
  /** The director got the order but gave no answer: it may still carry it out. */
  mayStill: boolean;
  /** null when not known: see `mayStill`. */
  done: boolean | null;
  /** The lines that drain.sh printed. */
  said: string[];
  /** Open connections that are left; null when the script didn't wait for any. */
  openConnections: number | null;
  /** Open connections without a packet during the wait, which were not waited for. */
  silentConnections: number | null;
  /**
   * Open connections known only from another director, which holds or held the virtual address. Not
   * waited for.
   */
  heardConnections: number | null;
}

/**
 * Runs drain.sh on all serving directors at once, with these words before the real server's
 * addresses.
 */
async function onDirectors(
  realServer: string,
  options: Options & { seconds?: number },
  wordsFor: (ssh: Ssh, stack: Stack) => Promise<string[]>,
): Promise<void> {
  const stack = await readStack(options);
  const addresses = realServerAddresses(stack, realServer);
  const directors = stack.hosts.filter(
    ({ role, director }) => role === "director" && !director.inMaintenance,
  );
  const ssh = { timeoutSeconds: options.timeout, keepOpen: true };
  const told = await withSsh(directors, ssh, async (open) => {
    const words = await wordsFor(open, { ...stack, hosts: directors });
    // drain.sh waits this long for connections, and up to 60 s for checks.
    const seconds = (options.seconds ?? 0) + 60;
    return Promise.all(
      directors.map((director) => tell(open, director, [...words, ...addresses], seconds)),
    );
  });
  if (options.json) {
    printJson({ realServer, addresses, directors: told });
  } else {
    const colors = colorsOn(process.stdout);
    for (const line of printableIn(told).flatMap((one) => lines(one, colors))) print(line);
  }
  if (told.every(({ unreachable }) => unreachable !== null)) {
    throw new CouldNotLook("no director could be asked");
  }
  const isDone = told.every(({ done, openConnections }) => done && !openConnections);
  process.exitCode = isDone ? exitCodes.fine : exitCodes.wrong;
}

/**
 * The first line says that the script has begun. It may then wait minutes for another change to end
 * before it acts.
 */
const script = 'echo told\nexec /usr/local/lib/lvs-ha/drain.sh "$@" 2>&1 </dev/null\n';

async function tell(
  ssh: Ssh,
  host: StackHost,
  args: readonly string[],
  seconds: number,
): Promise<Told> {
  const told = { director: host.name, unreachable: null, mayStill: false, ...connectionsIn("") };
  try {
    const { stdout, stderr, exitCode } = await ssh.result(host, script, args, seconds);
    const said = (stdout + stderr)
      .split("\n")
      .filter((line) => line !== "" && line !== "told")
      .map((line) => line.replace(/^drain: /, ""));
    return { ...told, done: exitCode === 0, said, ...connectionsIn(stdout) };
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const { message, hasBegun } = error;
    return {
      ...told,
      unreachable: message,
      mayStill: hasBegun,
      done: hasBegun ? null : false,
      said: [],
    };
  }
}

/** The connection counts in drain.sh's last line. */
function connectionsIn(
  stdout: string,
): Pick<Told, "openConnections" | "silentConnections" | "heardConnections"> {
  const [line, open] = /: no new connections; (\d+) open after .*/.exec(stdout) ?? [];
  const figure = (pattern: RegExp) =>
    line === undefined ? null : Number(pattern.exec(line)?.[1] ?? 0);
  return {
    openConnections: open === undefined ? null : Number(open),
    silentConnections: figure(/(\d+) silent for/),
    heardConnections: figure(/(\d+) that only another director told of/),
  };
}

function lines(
  { director, unreachable, mayStill, done, said, openConnections }: Told,
  colors: Colors,
): string[] {
  if (unreachable !== null) {
    const what = mayStill
      ? `✘ was told, and may still do it (look with lvs status): ${unreachable}`
      : `✘ can't be reached, and was not told: ${unreachable}`;
    return [`${director}  ${colors.red(what)}`];
  }
  const mark = done ? (openConnections ? colors.yellow("▲") : colors.green("●")) : colors.red("✘");
  return said.map((line) => `${director}  ${mark} ${line}`);
}
