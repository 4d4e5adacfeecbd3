// Hosts whose language has a decimal comma, which sshd passes to every script.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../../components/host/scripts";
import { renderKeepalived } from "../../components/render/keepalived";
import { unpackPackage } from "../support/packages";
import { settingsOf, smallStack } from "../support/stacks";
import { PretendHost } from "./host";

const root = join(__dirname, "../..");
const german = "de_DE.UTF-8";

let host: PretendHost;

beforeAll(async () => {
  host = new PretendHost();
  const sources = join(await unpackPackage("bookworm", "locales"), "usr/share/i18n");
  // localedef also complains about what Debian's own locale lacks, so its status is ignored.
  const { status, stderr } = spawnSync(
    "localedef",
    ["--no-archive", "-c", "-i", "de_DE", "-f", "UTF-8", join(host.folder, german)],
    { env: { ...process.env, I18NPATH: sources }, encoding: "utf8" },
  );
  if (status === null || status > 1) throw new Error(stderr);
}, 300_000);

afterAll(() => {
  host.remove();
});

/** Output of a shell line under this language. */
function prints(line: string, language: string): string {
  const { code, stdout, stderr } = host.shell(
    `export LANG=${language} LOCPATH=$FOLDER; unset LC_ALL LC_NUMERIC; ${line}`,
  );
  expect([code, stderr]).toEqual([0, ""]);
  return stdout.trim();
}

test("the language cuts numbers at their point, so that a script that minds it would be found", () => {
  expect(prints(`awk 'BEGIN { print 2 * "1.9" }'`, german)).toBe("2");
});

test("the time in which checks have their verdict is the same in any language", () => {
  const stack = smallStack();
  stack.virtualServers[0].delayLoopSeconds = 1.9;
  stack.virtualServers[0].checks = [
    { type: "tcp", connectTimeoutSeconds: 1.9, retry: 2, delayBeforeRetrySeconds: 0.9 },
  ];
  const settings = settingsOf(stack);
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  host.write("/etc/keepalived.conf", renderKeepalived(settings, director, false));
  const verdicts = (language: string) =>
    prints(
      `what=test; cd ${host.scripts}; . ./files.sh; . ./foreign.sh; . ./ipvs.sh; wanted /etc/keepalived.conf | grep ^=c`,
      language,
    );
  // 1.9 + 3 * 1.9 + 2 * 0.9 + 1, rounded up.
  expect(verdicts("C")).toMatch(/^=c -t 192\.0\.2\.100:80 -r 192\.0\.2\.21:80 11 /);
  expect(verdicts(german)).toBe(verdicts("C"));
});

const places = ["templates/scripts", "ops"];
const files = places.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".sh"))
    .map((file) => join(folder, file)),
);
/** Read by scripts that have read files.sh; vrrp.sh, which only defines what it has, goes before ops/report.sh, too. */
const libraries = [
  "earlier",
  "firewall-guard",
  "firewall-others",
  "firewall-ufw",
  "foreign",
  "ipvs",
  "vrrp",
];
const own = files.filter((file) => !libraries.some((name) => file.endsWith(`/${name}.sh`)));

/** The lines before a script sets LC_ALL. */
function before(text: string): string[] {
  const lines = text.split("\n").filter((line) => !/^\s*(#|$)/.test(line));
  const at = lines.findIndex((line) =>
    /^(export LC_ALL=C|\. "\$\{0%\/\*\}\/(files|transaction)\.sh")$/.test(line),
  );
  return at === -1 ? lines : lines.slice(0, at);
}

test("there are scripts to look at", () => {
  expect(own).toEqual(expect.arrayContaining(["ops/report.sh", "templates/scripts/preflight.sh"]));
});

test.each([
  ...own.map((file) => [file, readFileSync(join(root, file), "utf8")]),
  ["bundle", bundle()],
])("%s speaks no language from its first command on", (_, text) => {
  expect(before(text).filter((line) => !/^(set -e?u|what=.*|TMPDIR=.*|[{])$/.test(line))).toEqual(
    [],
  );
});

test.each(libraries)("whoever reads %s.sh has read files.sh", (library) => {
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    const at = (name: string) => text.indexOf(`\n. "\${0%/*}/${name}.sh"`);
    if (at(library) === -1) continue;
    const first = Math.max(at("files"), at("transaction"));
    expect([file, first !== -1 && first < at(library)]).toEqual([file, true]);
  }
});
