// The package as a program gets it: built, packed, and installed beside Pulumi's SDKs in a folder outside of the clone.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

jest.setTimeout(600_000);

const root = join(__dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
  devDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};

const conf = join(root, "tests/ops/import/fixtures/sample/keepalived.conf");

let folder: string;
let program: string;
let packed: string[];

/** Runs a program in a folder; what it prints. */
function run(cwd: string, command: string, ...args: string[]): string {
  // As of npm test, whose settings are not the program's.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_|^INIT_CWD$/i.test(name)),
  );
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")}: ${String(error ?? stderr)}${stdout}`);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lvs-ha-package-"));
  program = join(folder, "program");
  const said = run(root, "npm", "pack", "--json", "--pack-destination", folder);
  // The build speaks before it.
  const [pack] = JSON.parse(said.slice(said.indexOf("[\n"))) as [
    { filename: string; files: { path: string }[] },
  ];
  packed = pack.files.map(({ path }) => path);
  cpSync(join(root, "examples/program"), program, { recursive: true });
  const sdks = Object.keys(manifest.peerDependencies).map(
    (name) => `${name}@${manifest.devDependencies[name]}`,
  );
  const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  run(program, "npm", "install", ...options, join(folder, pack.filename), ...sdks);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("it has the built code, what that reads, and what a user reads; nothing else", () => {
  const kinds: RegExp[] = [
    /^(README\.md|LICENSE|CHANGELOG\.md|package\.json)$/,
    /^dist\/(components|ops)\/[\w/]+\.js$/,
    /^dist\/components\/(index|args|loadConfig|lvsHaPair|lvsNode|realServer)\.d\.ts$/,
    /^templates\/[\w./]+\.mustache$/,
    /^templates\/scripts\/[\w-]+\.sh$/,
    /^(components\/host\/askpass|ops\/report|ops\/verify\/verified)\.sh$/,
    /^docs\/config\.schema\.json$/,
    /^examples\/(README\.md|[\w-]+\.yaml|program\/(index\.ts|(package|tsconfig)\.json|Pulumi\.yaml))$/,
  ];
  expect(packed.filter((path) => !kinds.some((kind) => kind.test(path)))).toEqual([]);
  for (const kind of kinds)
    expect([kind, packed.some((path) => kind.test(path))]).toEqual([kind, true]);
});

test("it has all host scripts and templates, and each built file has its source", () => {
  const filesIn = (path: string) =>
    readdirSync(join(root, path), { recursive: true, encoding: "utf8" });
  const read = filesIn("templates").filter((path) => /\.(sh|mustache)$/.test(path));
  expect(read.length).toBeGreaterThan(30);
  expect(packed).toEqual(expect.arrayContaining(read.map((path) => `templates/${path}`)));
  const sources = ["components", "ops"].flatMap((part) =>
    filesIn(part).flatMap((path) =>
      path.endsWith(".ts") ? [`dist/${part}/${path.replace(/\.ts$/, ".js")}`] : [],
    ),
  );
  expect(packed.filter((path) => path.endsWith(".js")).sort()).toEqual(sources.sort());
});

test("beside the SDKs there is one of each, the program's", () => {
  const found = readdirSync(join(program, "node_modules"), { recursive: true, encoding: "utf8" })
    .filter((path) => /(^|\/)@pulumi\/(pulumi|command|tls)\/package\.json$/.test(path))
    .map((path) => path.replace("/package.json", ""));
  expect(found.sort()).toEqual(Object.keys(manifest.peerDependencies).sort());
});

test("the example compiles, by the types that come along, as Pulumi's own template has TypeScript set up", () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  run(program, process.execPath, tsc, "-p", ".", "--outDir", "built");
  expect(readdirSync(join(program, "built"))).toEqual(["index.js"]);
});

test("its types tell editors what each arg is, its default, and what may be an Output", () => {
  const types = readFileSync(
    join(program, "node_modules/lvs-ha/dist/components/args.d.ts"),
    "utf8",
  );
  expect(types).toContain(
    "     * SSH port.\n     * A port (1–65535).\n     * @default 22\n     */\n    port?: pulumi.Input<number>;",
  );
  const pair = readFileSync(
    join(program, "node_modules/lvs-ha/dist/components/lvsNode.d.ts"),
    "utf8",
  );
  // What the pair alone calls is not told.
  expect(pair.match(/constructor\(.*/g)).toEqual([
    "constructor(name: string, args: LvsNodeArgs, opts?: pulumi.ComponentResourceOptions);",
  ]);
});

test("the example plans a whole pair, on hosts that another stack's outputs name", () => {
  writeFileSync(
    join(program, "mocked.js"),
    `const pulumi = require("@pulumi/pulumi");
const names = [];
const outputs = {};
for (const [i, name] of ["lvs1", "lvs2", "web1", "web2", "web3"].entries()) {
  outputs[name + "Address"] = "192.0.2.1" + i;
  outputs[name + "HostKey"] = "ssh-ed25519 " + "ABCDE"[i].repeat(68);
}
(async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      names.push(name);
      const isReference = type === "pulumi:pulumi:StackReference";
      return { id: name, state: isReference ? { outputs } : { stdout: "", ...inputs } };
    },
    call: () => ({}),
  });
  const known = (_, callback) => callback(null, {});
  Object.assign(pulumi.runtime.getMonitor(), { registerResourceHook: known, registerErrorHook: known });
  pulumi.runtime.setConfig("project:hostsStack", "acme/hosts/prod");
  const { virtualAddresses } = require("./built/index.js");
  await pulumi.runtime.disconnect();
  virtualAddresses.apply((addresses) => console.log(JSON.stringify({ names, addresses })));
})();
`,
  );
  const said = JSON.parse(run(program, process.execPath, "mocked.js")) as {
    names: string[];
    addresses: string[];
  };
  expect(said.addresses).toEqual(["192.0.2.100/32"]);
  expect(said.names).toEqual(
    expect.arrayContaining(["web", "web-lvs1-keepalived", "web-lvs2-join", "web-web3-system"]),
  );
});

test.each([
  ["CommonJS", "commonjs", 'const { LvsHaPair } = require("lvs-ha");'],
  ["ES modules", "module", 'import { LvsHaPair } from "lvs-ha";'],
])("a program in plain JavaScript has it by %s", (_, type, load) => {
  const text = `${load}\nconsole.log(typeof LvsHaPair);`;
  expect(run(program, process.execPath, `--input-type=${type}`, "--eval", text)).toBe("function\n");
});

test("what is refused is refused as in the clone", () => {
  const text = 'new (require("lvs-ha").LvsHaPair)("web", { directors: [], typo: 1 });';
  const { stderr } = spawnSync(process.execPath, ["--eval", text], {
    cwd: program,
    encoding: "utf8",
  });
  expect(stderr).toContain('LvsHaPair "web": the args have ');
  expect(stderr).toContain("\n  typo: unknown key");
});

test("lvs-ha is the operator's command, which tells its version without git", () => {
  const lvsHa = (...words: string[]) => run(program, "npx", "--no", "--", "lvs-ha", ...words);
  expect(lvsHa("--version")).toBe(`${manifest.version}\n`);
  expect(lvsHa("--help")).toMatch(/^Usage: lvs-ha \[options\] \[command\]\n/);
  expect(lvsHa("completion", "bash")).toContain(
    `cd ${program} && exec node_modules/.bin/lvs-ha "$@"`,
  );
});

test("lvs-ha imports a keepalived.conf into a stack's file of the program", () => {
  const { status, stderr } = spawnSync(
    "npx",
    ["--no", "--", "lvs-ha", "import", conf, "--output", "Pulumi.prod.yaml"],
    { cwd: program, encoding: "utf8" },
  );
  // There is something to be filled in.
  expect([status, stderr]).toEqual([1, expect.stringContaining("to be filled in: 7\n")]);
  expect(readFileSync(join(program, "Pulumi.prod.yaml"), "utf8")).toContain(
    "lvs-ha:virtualServers:",
  );
});
