// `lvs import` of files that are no keepalived.conf, that are huge, or that try to read other files
// or control the terminal.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importConfig } from "../../../ops/import";
import { parse } from "../../../ops/import/syntax/parse";
import { bundled, lvs as runLvs, startLvs } from "../../support/lvs";

jest.setTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-import-"));
const file = (name: string, text: string | Buffer) => {
  writeFileSync(join(folder, name), text);
};
afterAll(() => {
  rmSync(folder, { recursive: true });
});
mkdirSync(join(folder, "pair/conf.d"), { recursive: true });

const lvs = (...args: string[]) => runLvs(["import", ...args], { env: { INIT_CWD: folder } });

const instance = `vrrp_instance VI_1 {
    interface eth1
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.100
    }
}
`;

const service = (address: string) => `virtual_server ${address} 80 {
    protocol TCP
    lvs_method NAT
    real_server 192.0.2.21 80 {
    }
}
`;

/** The program, started by a shell line with a file as $0. */
const behind = async (line: string, name: string) => [
  ...["sh", "-c", line, join(folder, name)],
  ...[process.execPath, await bundled()],
];

test.each<[string, string | Buffer, string]>([
  ["an empty file", "", "it is empty"],
  ["white space", " \n\n", "it is empty"],
  ["a program", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]), "it is binary"],
  ["UTF-16", Buffer.from(`\ufeff${instance}`, "utf16le"), "it is in UTF-16: save it as UTF-8"],
  ["accounts", "root:$y$hush:1::::\ndaemon:*:2::::\n", "2 of its 2 lines begin with nothing that"],
])("%s is no keepalived.conf, and says nothing else", async (_, text, why) => {
  file("other.conf", text);
  const { exitCode, stdout, stderr } = await lvs("other.conf");
  expect([exitCode, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(`lvs: other.conf is no keepalived.conf: ${why}`);
  expect(stderr).not.toContain("hush");
});

test("a device or a FIFO is not read, as the config or as what the kernel forwards; a shell's pipe is", async () => {
  execFileSync("mkfifo", [join(folder, "fifo")]);
  file("whole.conf", instance);
  for (const path of ["/dev/zero", "fifo", "/dev/fd/0"]) {
    for (const args of [[path], ["whole.conf", "--ipvsadm", path]]) {
      const { exitCode, stdout, stderr } = await lvs(...args);
      expect([exitCode, stdout]).toEqual([3, ""]);
      expect(stderr).toContain(
        `lvs: ${path} can't be read: it is neither a regular file nor standard input`,
      );
    }
  }
  const { stdout } = await runLvs(["import", "/dev/stdin"], {
    program: await behind('cat "$0" | "$@"', "whole.conf"),
  });
  expect(stdout).toContain("address: 192.0.2.100/32");
});

test("includes are read from the file's own folder, and quoted where they are config", async () => {
  file("secret.conf", "odd_word outside\n");
  file("pair/conf.d/web.conf", service("192.0.2.100"));
  file("pair/conf.d/key.conf", "-----BEGIN KEY-----\nab+hush/c=\nde+hush/f=\n");
  symlinkSync(join(folder, "secret.conf"), join(folder, "pair/conf.d/link.conf"));
  file(
    "pair/keepalived.conf",
    `${instance}include conf.d/*.conf\ninclude ../secret.conf\ninclude ../../../../../../../etc/passwd\ninclude /etc/passwd\n`,
  );
  const { exitCode, stdout, stderr } = await lvs("pair/keepalived.conf", "-v");
  expect(exitCode).toBe(1);
  expect(stdout).toContain("address: 192.0.2.100/32");
  expect(stderr).toMatch(/conf\.d\/key\.conf is no keepalived config, so it is not read/);
  for (const path of ["secret.conf", "link.conf", "etc/passwd"]) {
    expect(stderr).toMatch(new RegExp(`${path} is not below .*, so it is not read`));
  }
  expect(stdout + stderr).not.toMatch(/hush|outside|root:/);
});

test("a config of more than the import takes is one error that says the limit", () => {
  const problemOf = (text: string) =>
    parse(text)
      .problems.map(({ why }) => why)
      .filter((why) => why.includes("the rest is unread"));
  expect(problemOf("group {\n".repeat(2000))).toEqual([
    "blocks stand in one another more than 64 deep here; the rest is unread",
  ]);
  expect(problemOf("virtual_server 192.0.2.1 80\n".repeat(2000))).toEqual([
    "blocks stand in one another more than 64 deep here; the rest is unread",
  ]);
  expect(problemOf("odd_word\n".repeat(50_001))).toEqual([
    "the config comes to more than 50000 lines here; the rest is unread",
  ]);
  expect(problemOf("# a line that says nothing\n".repeat(100_000))).toEqual([
    "the files come to more than 1048576 characters here; the rest is unread",
  ]);
  expect(problemOf("group {\n".repeat(64))).toEqual([]);
  expect(problemOf("odd_word\n".repeat(49_999))).toEqual([]);
});

test("lines for more names than a pair has directors ask for --host", () => {
  const switches = (count: number) =>
    importConfig([
      {
        file: "keepalived.conf",
        text:
          Array.from({ length: count }, (_, i) => `@lb${i} odd_word`).join("\n") + `\n${instance}`,
      },
    ]);
  expect(() => switches(17)).toThrow(/lines for 17 names behind @.*say which one.*--host/);
  expect(switches(16).report.inexpressible.length).toBeGreaterThan(0);
});

test("virtual servers are counted, a group's addresses each", () => {
  const text = `${instance}virtual_server_group g {\n10.0.0.0-10.0.3.255 80\n10.0.4.0-10.0.7.255 80\n10.0.8.0-10.0.11.255 80\n}\n`;
  expect(() =>
    importConfig([{ file: "keepalived.conf", text: text + service("group").replace(" 80", " g") }]),
  ).toThrow(/^keepalived.conf:\d+: import takes 2500 virtual servers at most/);
});

test("twice the config takes no more than some times as long", () => {
  const config = (count: number) =>
    instance +
    Array.from({ length: count }, (_, i) =>
      `${service(`10.0.${i >> 8}.${i & 255}`)}odd_word ${i}\n`.replace(
        "192.0.2.21",
        `10.1.${i >> 8}.${i & 255}`,
      ),
    ).join("");
  const seconds = (count: number) => {
    const start = process.cpuUsage();
    importConfig([{ file: "keepalived.conf", text: config(count) }]);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
  seconds(50);
  const [small, large] = [seconds(200), seconds(800)];
  // Four times the work. It would be sixteen times if each were compared with each.
  expect(large / small).toBeLessThan(10);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s ends a running import at once", async (signal) => {
  // The import computes and reads without a break, so no signal handler could run.
  const fifo = join(folder, `fifo-${signal}`);
  execFileSync("mkfifo", [fifo]);
  const running = await startLvs(["import", "/dev/stdin"], {
    program: await behind('exec "$@" <"$0"', `fifo-${signal}`),
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    running.child.once("exit", (_, by) => {
      resolve(by);
    });
  });
  const writer = await open(fifo, "w");
  // More than a pipe holds, so the import is reading once this is written.
  await writer.write("# a comment\n".repeat(20_000));
  running.child.kill(signal);
  expect(await ended).toBe(signal);
  await writer.close();
});

test("what would steer a terminal, and what nobody would see, is shown by name", async () => {
  file(
    "pair/odd.conf",
    `\ufeff${instance}odd_word \u001b[2J\u009b31m\u00a0x\u0007\u202e\n${service("192.0.2.100").replace("{", "{ # \u001b]0;title\u0007")}`,
  );
  const { stdout, stderr } = await lvs("pair/odd.conf", "-v");
  expect(stderr).toContain("<U+FEFF>vrrp_instance VI_1");
  expect(stderr).toContain("odd_word <U+001B>[2J<U+009B>31m<U+00A0>x<U+0007><U+202E>");
  // eslint-disable-next-line no-control-regex -- they must not be there
  expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00a0\u202e]/);
  const json = await lvs("pair/odd.conf", "--json");
  // eslint-disable-next-line no-control-regex -- they must not be there
  expect(json.stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00a0\u202e]/);
  expect(JSON.stringify(JSON.parse(json.stdout))).toContain("\u00a0x");
});
