// Runs the operator's command as a separate process, bundled into one file: that starts in a fifth
// of the time.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { quote } from "shell-quote";

const project = join(__dirname, "../..");

/** A command's exit code and output. */
export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** How to run the command. */
export interface LvsOptions {
  /** Additional environment variables. */
  env?: NodeJS.ProcessEnv;
  /** A program instead of the bundle: node with other arguments, or what `npm run lvs` runs. */
  program?: readonly string[];
}

/** A running command. */
export class Running {
  /** The output so far. */
  readonly said: Ended = { exitCode: null, stdout: "", stderr: "" };
  readonly ended: Promise<Ended>;
  private readonly cues = new Map<string, () => void>();

  constructor(readonly child: ChildProcess) {
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8").on("data", (text: string) => {
        this.said[name] += text;
        for (const [cue, reached] of this.cues) if (this.said.stdout.includes(cue)) reached();
      });
    }
    this.ended = new Promise((resolve) => {
      child.once("close", (exitCode) => {
        resolve({ ...this.said, exitCode });
      });
    });
  }

  /** Waits until standard output contains this text or the command ends. */
  async until(cue: string): Promise<void> {
    const reached = new Promise<void>((resolve) => this.cues.set(cue, resolve));
    if (!this.said.stdout.includes(cue)) await Promise.race([reached, this.ended]);
    this.cues.delete(cue);
  }
}

/** Runs the command to its end. */
export async function lvs(args: readonly string[], options: LvsOptions = {}): Promise<Ended> {
  return (await startLvs(args, options)).ended;
}

/** Starts the command without a terminal. */
export async function startLvs(
  args: readonly string[],
  { env, program }: LvsOptions = {},
): Promise<Running> {
  const [command = "", ...words] = program ?? [process.execPath, await bundled()];
  return new Running(
    spawn(command, [...words, ...args], {
      cwd: project,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
}

/** Runs the command on a terminal and types `answer` once `cue` is on the screen. */
export async function lvsOnTerminal(
  { cue, answer }: { cue: string; answer: string },
  args: readonly string[],
  { env }: LvsOptions = {},
): Promise<Ended> {
  const line = quote([process.execPath, await bundled(), ...args]);
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    cwd: project,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const running = new Running(child);
  await running.until(cue);
  if (child.exitCode === null) child.stdin.write(answer);
  return running.ended;
}

let bundle: Promise<string> | undefined;

/** The path of the bundle, which is made once per test file. */
export function bundled(): Promise<string> {
  bundle ??= makeBundle();
  return bundle;
}

async function makeBundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(project, "ops/cli.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    write: false,
    logLevel: "error",
    plugins: [
      {
        name: "own folders",
        setup(builder) {
          // Scripts and templates are looked up beside the sources.
          builder.onLoad({ filter: /\.ts$/, namespace: "file" }, ({ path }) => ({
            contents: readFileSync(path, "utf8").replaceAll(
              "__dirname",
              JSON.stringify(dirname(path)),
            ),
            loader: "ts",
          }));
        },
      },
    ],
  });
  const folder = join(project, "node_modules/.cache/lvs-ha");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "lvs.js");
  // Replace the file in one step: another test file may be running it.
  writeFileSync(`${path}.${process.pid}`, outputFiles[0]?.text ?? "");
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
