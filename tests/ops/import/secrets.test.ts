// A password is never printed, in whatever form a config has it: no part of it is in anything that
// an import prints.
import fc from "fast-check";
import { importConfig, renderReport } from "../../../ops/import";
import type { ConfigFiles } from "../../../ops/import/syntax/files";
import { runs, seed } from "../../support/draws";

// Each is tried in two lengths, because only keepalived cuts passwords at 8 characters.
const canaries = ["tOpSecrt", "C4naryXyzzy-LongOne"];

/** A config with these lines in its instance's authentication and in other places. */
function config({ auth = "", top = "", instance = "", service = "", check = "" }): string {
  return `global_defs {
    router_id lb1
}
${top}
vrrp_instance VI_1 {
    interface eth1
    virtual_router_id 51
${instance}
    authentication {
        auth_type PASS
${auth}
    }
    virtual_ipaddress {
        192.0.2.100
    }
}
virtual_server 192.0.2.100 80 {
    protocol TCP
    lvs_method NAT
${service}
    real_server 192.0.2.21 80 {
        weight 1
${check}
    }
}
`;
}

/** Everything that an import prints or writes. */
function said(text: string, host?: string, files?: ConfigFiles): string {
  const { yaml, report, config } = importConfig([{ file: "keepalived.conf", text, host, files }]);
  return [
    yaml,
    renderReport(report),
    renderReport(report, { all: true }),
    JSON.stringify({ config, report }),
  ].join("\n");
}

type Shape = (secret: string) => Parameters<typeof config>[0];

const shapes: Record<string, Shape> = {
  plain: (it) => ({ auth: `auth_pass ${it}` }),
  quoted: (it) => ({ auth: `auth_pass "${it}"` }),
  "quoted in part": (it) => ({ auth: `auth_pass "${it.slice(0, 3)}"${it.slice(3)}` }),
  "behind dollars": (it) => ({ auth: `auth_pass $1$abc$${it}` }),
  "in an open quote": (it) => ({ auth: `auth_pass "${it}` }),
  "with a backslash behind": (it) => ({ auth: `auth_pass ${it} \\` }),
  misspelt: (it) => ({ auth: `auth_pas ${it}` }),
  "misspelt otherwise": (it) => ({ auth: `atuh_pass ${it}` }),
  "misspelt out of its block": (it) => ({ instance: `ahtu_pass ${it}` }),
  "not spelt at all": (it) => ({ auth: `key ${it}` }),
  "in capitals": (it) => ({ auth: `AUTH_PASS ${it}` }),
  assigned: (it) => ({ auth: `auth_pass=${it}` }),
  "assigned with space": (it) => ({ auth: `auth_pass = ${it}` }),
  "with a brace": (it) => ({ auth: `auth_pass ${it.slice(0, 3)}{${it.slice(3)}` }),
  "with a closing brace": (it) => ({ auth: `auth_pass ${it.slice(0, 3)}}${it.slice(3)}` }),
  "with a comment sign": (it) => ({ auth: `auth_pass ${it.slice(0, 3)}#${it.slice(3)}` }),
  "on the next line": (it) => ({ auth: `auth_pass\n        ${it}` }),
  "behind an empty line": (it) => ({ auth: `auth_pass\n\n# here\n        ${it}` }),
  "in a block": (it) => ({ auth: `auth_pass {\n${it}\n}` }),
  "in a block on one line": (it) => ({ auth: `auth_pass { ${it} }` }),
  "behind auth_type": (it) => ({ auth: `auth_type PASS auth_pass ${it}` }),
  twice: (it) => ({ auth: `auth_pass other\nauth_pass ${it}` }),
  "with more behind": (it) => ({ auth: `auth_pass ${it} ${it}2` }),
  "for another director": (it) => ({ auth: `@lb1 auth_pass ${it}` }),
  "for all but another": (it) => ({ auth: `@^lb2 auth_pass ${it}` }),
  "as a variable": (it) => ({ top: `$PASS=${it}`, auth: "auth_pass $PASS" }),
  "as a variable of any name": (it) => ({ top: `$X=${it}`, auth: "auth_pass ${X}" }),
  "as two variables": (it) => ({
    top: `$X=${it.slice(0, 4)}\n$Y=${it.slice(4)}`,
    auth: "auth_pass ${X}${Y}",
  }),
  "as a variable's variable": (it) => ({ top: `$X=${it}\n$Y=$X`, auth: "auth_pass $Y" }),
  "as a variable that nothing uses": (it) => ({ top: `$VRRP_PASSWORD=${it}` }),
  "in a definition of several lines": (it) => ({
    top: `$A=\\\n auth_type PASS\\\n auth_pass ${it}`,
    auth: "$A",
  }),
  "as a list's": (it) => ({ auth: `~LST(P, ${it}) auth_pass $P` }),
  "in a sequence": (it) => ({ auth: `~SEQ(i, 1, 2) auth_pass ${it}$i` }),
  "where it has no place": (it) => ({ service: `auth_pass ${it}` }),
  "at the top": (it) => ({ top: `auth_pass ${it}` }),
  "on the line of its block": (it) => ({
    instance: `authentication { auth_type PASS auth_pass ${it} }`,
  }),
  "in a comment": (it) => ({ service: `# auth_pass ${it}\nquorum 1 # password: ${it}` }),
  "in the comment of a virtual server": (it) => ({ top: `# password ${it}` }),
  "of the checks' key": (it) => ({ top: `SSL {\npassword ${it}\n}` }),
  "in a script's arguments": (it) => ({
    service: `quorum_up "/etc/keepalived/ask.sh --password ${it}"`,
  }),
  "in a script's option": (it) => ({
    service: `quorum_up "/etc/keepalived/ask.sh --api-key=${it} --port 80"`,
  }),
  "in a command of the system's": (it) => ({
    check: `MISC_CHECK {\nmisc_path "/usr/bin/mysql -h 192.0.2.9 -u watch -p${it}"\n}`,
  }),
  "in a script's environment": (it) => ({
    check: `MISC_CHECK {\nmisc_path "/usr/bin/env PGPASSWORD=${it} psql"\n}`,
  }),
  "in a login": (it) => ({
    check: `MISC_CHECK {\nmisc_path "/usr/bin/curl -u watch:${it} http://192.0.2.21/"\n}`,
  }),
  "in an address": (it) => ({
    check: `MISC_CHECK {\nmisc_path "/usr/bin/curl http://watch:${it}@192.0.2.21/"\n}`,
  }),
  "in a path that is asked for": (it) => ({
    check: `HTTP_GET {\nurl {\npath "/alive?token=${it}&full=1"\nstatus_code 200\n}\n}`,
  }),
};

describe.each(Object.entries(shapes))("a password %s", (_, shape) => {
  test.each(canaries)("is not printed (%s)", (canary) => {
    const text = config(shape(canary));
    for (const host of [undefined, "lb1", "lb2"]) {
      // Names are made from words in lower case.
      const out = said(text, host).toLowerCase();
      // keepalived splits a word at a brace or a quote: neither half may be printed.
      for (const part of [canary, canary.slice(3), canary.slice(4)])
        expect(out).not.toContain(part.toLowerCase());
    }
  });
});

test("a password is not printed in whatever is made of such parts", () => {
  const canary = "Zq7xKw9vJ";
  const before = [
    ...[
      "",
      "@lb1 ",
      "@^lb1 ",
      "}\n",
      "} ",
      "{ ",
      "auth_type PASS ",
      "~SEQ(i,1,2) ",
      "$V=",
      "$V=\\\n",
    ],
    ...["'", '"', "authentication { ", "}\n}\n", "$PASS\n"],
  ];
  const keyword = ["auth_pass", "auth_pas", "authpass", "auth-pass", "AUTH_PASS", "uath_pass"];
  const between = [
    ...[" ", "\t", "=", " = ", ":", "\n", " \\\n", "\n\n", " {\n", "{", ' "', " '", '"', " $1$"],
    ...[" @x ", " ! ", "\n# c\n", " PASS ", " $"],
  ];
  const after = [
    ...["", '"', "'", "}", " }", "{", "#x", " # c", "\\", "\n}", "$V", " more", "\n auth_pass $V"],
    `\nauth_pass ${canary}2`,
  ];
  const places = ["auth", "top", "instance", "service", "check"] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      ...([before, keyword, between, after].map((parts) => fc.constantFrom(...parts)) as [
        fc.Arbitrary<string>,
        fc.Arbitrary<string>,
        fc.Arbitrary<string>,
        fc.Arbitrary<string>,
      ]),
      (place, first, word, gap, last) => {
        const text = config({ [place]: `${first}${word}${gap}${canary}${last}` });
        for (const host of [undefined, "lb1"]) {
          expect(said(text, host).toLowerCase()).not.toContain(canary.toLowerCase());
        }
      },
    ),
    { seed, numRuns: runs(60) },
  );
}, 120_000);

test("what the lines around a password say is there all the same", () => {
  const { report } = importConfig([
    {
      file: "keepalived.conf",
      text: config({
        auth: "auth_pass tOpSecrt",
        service: "odd_word 42\nquorum_up '/etc/keepalived/up.sh --port 8080 --token xY7hush'",
      }),
    },
  ]);
  const lines = renderReport(report, { all: true });
  expect(lines).toContain("keepalived.conf:11: auth_pass ******** -> vrrpAuthPass\n");
  expect(lines).toContain("keepalived.conf:10: auth_type PASS -> vrrpAuthPass\n");
  expect(lines).toContain("odd_word 42\n    keepalived knows no odd_word here");
  expect(lines).toContain("quorum_up '/etc/keepalived/up.sh --port 8080 --token ********");
});

test("a secret among a script's arguments becomes a placeholder, which says why, and is refused until it is filled in", () => {
  const {
    config: stack,
    yaml,
    report,
  } = importConfig([
    {
      file: "keepalived.conf",
      text: config({ service: `quorum_up "/etc/keepalived/up.sh --token xY7hush --port 8080"` }),
    },
  ]);
  expect(stack.virtualServers?.[0]?.quorumUp).toEqual({
    script: "up.sh",
    args: ["--token", "FILL_IN", "--port", "8080"],
  });
  expect(yaml).toMatch(/- FILL_IN # a password or a key stood here, which the stack file/);
  expect(report.toFillIn).toContainEqual({
    at: "virtualServers[0].quorumUp.args[1]",
    what: expect.stringContaining("a password or a key stood here") as string,
  });
});

test("a script's text that names a password is kept, and both say so", () => {
  const files: ConfigFiles = {
    matches: () => [],
    read: () => ({ why: "none" }),
    script: () => "#!/bin/sh\nexport PGPASSWORD=abc\npsql\n",
  };
  const { yaml, report } = importConfig([
    {
      file: "keepalived.conf",
      text: config({ service: "quorum_up /etc/keepalived/up.sh" }),
      files,
    },
  ]);
  expect(yaml).toContain("# It names a password or a key. Here it is in clear");
  expect(report.changed).toContainEqual(
    expect.objectContaining({ to: "the same in the stack file, in clear" }),
  );
});
