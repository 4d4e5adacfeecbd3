// The deploy key in a login's authorized_keys: it is added, changed and removed, and other keys
// stay.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { script } from "../../components/host/scripts";
import { withEnd } from "../../components/render/files";
import { parseFindings } from "../../ops/verify/scripts";
import { unmissedLines } from "./everyLine";
import { PretendHost } from "./host";

const authorize = script("authorize.sh");
const owner = "lvs-ha:dev:pair-ssh-web1/10.10.0.21";
const deployKey = (letter: string, of = owner) =>
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(43)} ${of}`;
const key = deployKey("D");

/**
 * Other owners' lines: forms that sshd accepts, and owners and keys that nearly match the stack's.
 */
const others = [
  "# who may log in",
  "",
  'from="10.0.0.0/8",command="/usr/bin/backup  \\"now\\""  ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC backup@host',
  `\tssh-ed25519 ${"B".repeat(68)}  admin of the night\t`,
  `ssh-ed25519 ${"C".repeat(68)}`,
  deployKey("E", `${owner}0`),
  deployKey("F", owner.replace("dev", "prod")),
  `${deployKey("D").split(" ").slice(0, 2).join(" ")}x somebody`,
];
const text = (...lines: string[]) => lines.map((line) => `${line}\n`).join("");
const theirs = text(...others);

let home: string;
let bin: string;

beforeAll(() => {
  bin = mkdtempSync(join(tmpdir(), "lvs-ha-bin-"));
  const program = (name: string, line: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  };
  // The file that replaces another one must be on the disk first.
  program("sync", 'cp "$1" "$HOME/on-disk"');
  program("mv", 'cmp "$2" "$HOME/on-disk" >&2; exec /bin/mv "$@"');
});
afterAll(() => {
  rmSync(bin, { recursive: true });
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "lvs-ha-login-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const folder = () => join(home, ".ssh");
const file = () => join(folder(), "authorized_keys");
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** Runs the script as the engine does. */
function run(words: string[], input = authorize) {
  const { status, stdout, stderr } = spawnSync("sh", ["-s", "--", ...words], {
    input,
    encoding: "utf8",
    env: { PATH: `${bin}:/usr/bin:/bin`, HOME: home },
  });
  return { code: status, stdout, stderr };
}

interface Row {
  /** The file's earlier text. @default neither file nor folder exists */
  before?: string;
  words: [verb: "add" | "remove", key: string];
  after: string;
  /** The file is a link to another file with this mode. @default no link, mode 600 */
  linked?: number;
}

const rows: Record<string, Row> = {
  "is added after the keys of others": {
    before: theirs,
    words: ["add", key],
    after: theirs + text(key),
  },
  "is removed from among the keys of others": {
    before: text(...others.slice(0, 4), key, ...others.slice(4)),
    words: ["remove", key],
    after: theirs,
  },
  "is added to a login that had no key": { words: ["add", key], after: text(key) },
  "is added to an empty file": { before: "", words: ["add", key], after: text(key) },
  "is added on a line of its own where the last line has no end": {
    before: theirs.trimEnd(),
    words: ["add", key],
    after: theirs + text(key),
  },
  "is removed where the last line has no end": {
    before: text(key) + theirs.trimEnd(),
    words: ["remove", key],
    after: theirs,
  },
  "is removed as the only key": { before: text(key), words: ["remove", key], after: "" },
  "takes the place of the owner's earlier key": {
    before: text(deployKey("A")) + theirs,
    words: ["add", key],
    after: theirs + text(key),
  },
  "is removed by its owner, whichever key that was": {
    before: text(deployKey("A")) + theirs,
    words: ["remove", key],
    after: theirs,
  },
  "is added under a new name in place of the old one": {
    before: text(key) + theirs,
    words: ["add", deployKey("D", `${owner}-renamed`)],
    after: theirs + text(deployKey("D", `${owner}-renamed`)),
  },
  "is added where the file is, with its mode, when that is a link": {
    before: theirs,
    words: ["add", key],
    after: theirs + text(key),
    linked: 0o640,
  },
  "is there already when it is added again": {
    before: theirs + text(key),
    words: ["add", key],
    after: theirs + text(key),
  },
  "is not removed where it isn't": { before: theirs, words: ["remove", key], after: theirs },
  "is not removed under its old name": {
    before: text(key) + theirs,
    words: ["remove", deployKey("D", `${owner}-old`)],
    after: text(key) + theirs,
  },
};

/** All visible results of a run. */
function shown({ before, words, linked }: Row, changed?: string) {
  if (before !== undefined) {
    mkdirSync(folder(), { mode: 0o700 });
    writeFileSync(linked === undefined ? file() : join(home, "keys"), before, {
      mode: linked ?? 0o600,
    });
    if (linked !== undefined) symlinkSync("../keys", file());
  }
  const inode = () => (existsSync(file()) ? statSync(file()).ino : 0);
  const was = inode();
  const result = run(words, changed);
  return {
    ...result,
    keys: existsSync(file()) ? readFileSync(file(), "utf8") : undefined,
    isReplaced: inode() !== was,
    isLink: existsSync(file()) && lstatSync(file()).isSymbolicLink(),
    modes: [folder(), file()].filter((path) => existsSync(path)).map(modeOf),
    files: existsSync(folder()) ? readdirSync(folder()) : [],
  };
}

describe("the deploy key", () => {
  test.each(Object.entries(rows))("%s", (_, row) => {
    expect(shown(row)).toEqual({
      code: 0,
      stdout: "",
      stderr: `deploy key: ${row.words[0]} ${row.words[1].split(" ")[2]}\n`,
      keys: row.after,
      isReplaced: row.after !== row.before,
      isLink: row.linked !== undefined,
      modes: ["700", row.linked?.toString(8) ?? "600"],
      files: ["authorized_keys"],
    });
  });
});

interface Look {
  /** The file's text. @default no file */
  keys?: string;
  /** The user that called sudo. @default none: root has logged in */
  user?: string;
  /** A folder is in the file's place. */
  isFolder?: boolean;
  input?: string;
}

/** Runs the script as `lvs verify` does: beside the other scripts, as root, for the login. */
function verify({ keys, user, isFolder, input = withEnd("") }: Look, changed = authorize) {
  for (const name of ["scripts", "tmp", ".ssh"]) mkdirSync(join(home, name));
  writeFileSync(join(home, "scripts/authorize.sh"), changed);
  writeFileSync(join(home, "scripts/files.sh"), script("files.sh"));
  if (keys !== undefined) writeFileSync(file(), keys);
  if (isFolder) mkdirSync(file());
  const getent = `[ "$1 $2" = "passwd ${user ?? "root"}" ] && echo "x:x:1:1::${home}:/bin/sh"`;
  writeFileSync(join(home, "scripts/getent"), `#!/bin/sh\n${getent}\n`, { mode: 0o755 });
  const { status, stdout, stderr } = spawnSync(
    "sh",
    [join(home, "scripts/authorize.sh"), "verify", key],
    {
      input,
      encoding: "utf8",
      env: {
        PATH: `${join(home, "scripts")}:/usr/bin:/bin`,
        TMPDIR: join(home, "tmp"),
        HOME: join(home, "nobody"),
        ...(user === undefined ? {} : { SUDO_USER: user }),
      },
    },
  );
  const left = [...readdirSync(home), ...readdirSync(join(home, "tmp"))];
  return { code: status, stdout, stderr, left, files: readdirSync(folder()) };
}

const title = "authorized_keys of ops";
const differs = (found: string) => ({ verdict: "differs", title, wanted: text(key), found });
/** A second key with the stack's own comment could also log in. */
const looks: Record<string, [Look, object]> = {
  "as it was added": [
    { user: "ops", keys: theirs + text(key) },
    { verdict: "same", title },
  ],
  "as it was added to root's": [
    { keys: text(key) },
    { verdict: "same", title: "authorized_keys of root" },
  ],
  "as another one": [{ user: "ops", keys: text(deployKey("A")) }, differs(text(deployKey("A")))],
  "beside another one with its comment": [
    { user: "ops", keys: text(key, deployKey("A")) },
    differs(text(key, deployKey("A"))),
  ],
  "gone from among the others": [{ user: "ops", keys: theirs }, differs("")],
  "gone with its file": [{ user: "ops" }, { verdict: "missing", title }],
  "where nothing can be read": [
    { user: "ops", isFolder: true },
    expect.objectContaining({
      verdict: "unknown",
      why: expect.stringMatching(/\.ssh\/authorized_keys can't be read$/) as string,
    }) as object,
  ],
};

describe("verify finds the deploy key", () => {
  test.each(Object.entries(looks))("%s", (_, [look, finding]) => {
    const { stdout, files, ...result } = verify(look);
    expect(result).toEqual({ code: 0, stderr: "", left: [".ssh", "scripts", "tmp"] });
    expect(parseFindings(stdout)).toEqual([finding]);
    expect(files).toEqual(look.keys === undefined && !look.isFolder ? [] : ["authorized_keys"]);
  });

  test("nowhere, when it was not asked to the end", () => {
    expect(verify({ input: "" })).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^deploy key: the connection broke/) as string,
    });
  });
});

/** A change that must fail, because a file is where .ssh belongs. */
const hopeless = (changed?: string) => {
  writeFileSync(folder(), "");
  return run(["add", key], changed);
};

test("a login that can't have keys is an error", () => {
  expect(hopeless()).toMatchObject({
    code: 1,
    stderr: expect.not.stringContaining("deploy key") as string,
  });
});

test("a disk that is full at any moment of the change takes nobody's key", () => {
  const host = new PretendHost();
  try {
    const keys = `${"#".repeat(4000)}\n${text(deployKey("A", "admin"))}`;
    // 4 KiB hold only the keys, 8 KiB also half of the new file, 12 KiB all of it.
    const { stdout } = host.shell(
      `export HOME=$FOLDER/home; mkdir -p $HOME/.ssh; cat >$HOME/keys
      for size in 4 8 12; do
        mount -t tmpfs -o size="\${size}k" small $HOME/.ssh; cp $HOME/keys $HOME/.ssh/authorized_keys
        end=done; "$@" 2>/dev/null || end=failed
        cat $HOME/.ssh/authorized_keys; echo "$end, $(ls $HOME/.ssh)"
      done`,
      [join(host.scripts, "authorize.sh"), "add", key],
      keys,
    );
    const failed = `${keys}failed, authorized_keys\n`;
    expect(stdout).toBe(`${failed}${failed}${keys}${key}\ndone, authorized_keys\n`);
  } finally {
    host.remove();
  }
});

test("no line of the script can be lost without one of these cases to show it", () => {
  const runs = [
    hopeless,
    ...Object.values(rows).map((row) => shown.bind(undefined, row)),
    ...Object.values(looks).map(([look]) => verify.bind(undefined, look)),
    verify.bind(undefined, { input: "" }),
  ];
  const afresh = runs.map((run) => (changed: string) => {
    for (const left of readdirSync(home)) rmSync(join(home, left), { recursive: true });
    return run(changed);
  });
  expect(unmissedLines(authorize, afresh)).toEqual([]);
}, 120_000);
