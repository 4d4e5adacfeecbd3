// Standard input counts only if it is complete: a broken connection must not look like a shorter
// list.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, program, script } from "../../components/host/scripts";
import {
  parseFiles,
  renderFiles,
  renderSections,
  withEnd,
  withoutEnd,
} from "../../components/render/files";
import { verifying } from "../../ops/verify/scripts";
import { oneIn } from "../support/draws";
import { sampleStack } from "../ops/sampleHosts";
import { PretendHost } from "./host";
import { apply, look, parts, run, type Part } from "./parts";

/**
 * Positions at which to cut a text: after each line, before its newline, and in its middle; never
 * at the end of the text.
 */
function cuts(text: string): number[] {
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index);
  const found = ends.flatMap((end, i) => {
    const begin = (ends[i - 1] ?? -1) + 1;
    return [begin, Math.floor((begin + end) / 2), end];
  });
  const whole = text.trimEnd().length;
  return [...new Set(found)].filter((at) => at < whole);
}

/** A director whose real server was drained by a change. */
const drained: Part = {
  before: { "a drained real server": [] },
  changes: { back: [] },
  around: (host) => {
    const place = "-t 192.0.2.100:80 -r 192.0.2.21:80 -g -w";
    host.write("/etc/keepalived/keepalived.conf", "");
    host.write("/systemd/active/keepalived.service", "active\n");
    host.write("/ipvs/table", `-A -t 192.0.2.100:80 -s rr\n-a ${place} 0\n`);
    host.write("/run/lvs-ha-drained", `-a ${place} 1\n`);
  },
};

interface Case {
  script: string;
  part: Part;
  /** Shell lines that create what a cut input could remove. */
  earlier: (host: PretendHost) => string[];
  args: string[];
  input: string;
}

const cases: Case[] = [
  ...Object.entries(parts).flatMap(([name, part]): Case[] => {
    const changes = Object.values(part.changes).at(-1) ?? [];
    const last = changes.at(-1);
    const first = changes[0];
    if (!first || !last) throw new Error(`no changes of ${name}`);
    return [
      {
        script: name,
        part,
        earlier: (host) => [apply(host, name, "lvs1", first)],
        args: ["apply", "lvs2", ...(last.args ?? [])],
        input: withEnd(last.input ?? ""),
      },
    ];
  }),
  {
    script: "drain.sh",
    part: drained,
    earlier: () => [],
    args: ["restore", "ours", "192.0.2.21"],
    input: withEnd("-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g\n"),
  },
];

const heardBy = (id: number) =>
  renderFiles({
    "/etc/keepalived/keepalived.conf": [
      ...["vrrp_instance VI_1 {", "    interface eth1", `    virtual_router_id ${id}`],
      ...["    virtual_ipaddress {", "        169.254.255.51/32 dev eth1", "    }", "}"],
    ],
  });
/** A director that stands by, or has withdrawn. */
const standby = (state: "active" | "withdrawn"): Part => ({
  before: { "a standby": [] },
  changes: { none: [] },
  around: (host) => {
    const [, conf = ""] = heardBy(51).split("<==\n");
    host.write("/etc/keepalived/keepalived.conf", conf);
    if (state === "active") host.write("/systemd/active/keepalived.service", "active\n");
    else host.write("/var/lib/lvs-ha/keepalived-withdrawn", "1.5\n");
  },
});
const none = () => [];
cases.push(
  {
    script: "system.sh",
    part: {
      before: { "a host": [] },
      changes: { none: [] },
      around: (host) => {
        host.write("/scripts/kernel.sh", '#!/bin/sh\necho "$@" | cat - >>/etc/told\n', 0o755);
      },
    },
    earlier: none,
    args: ["apply", "lvs2", "198.51.100.7 40000 192.0.2.1 22"],
    input: withEnd(
      renderSections(["one", "two"].map((text) => ({ words: ["kernel.sh", text], text }))),
    ),
  },
  {
    script: "peers.sh",
    part: standby("active"),
    earlier: none,
    args: ["withdraw", "MORE"],
    input: withEnd(heardBy(52)),
  },
  {
    script: "peers.sh",
    part: standby("withdrawn"),
    earlier: none,
    args: ["join", "lvs2", "1"],
    input: withEnd("expect 192.0.2.100\nlacks lvs1\n"),
  },
  {
    script: "protect.sh",
    part: drained,
    earlier: none,
    args: ["look"],
    input: withEnd("-t 192.0.2.100:80 -r 192.0.2.21:80\n"),
  },
);

test("every script of a step's own is among the cases", () => {
  const folder = join(__dirname, "../../components");
  const called = ["deletionProtection.ts", "lvsNode.ts", "realServer.ts", "rollout.ts"].flatMap(
    (file) =>
      [
        ...readFileSync(join(folder, file), "utf8").matchAll(/script: "(\w+\.sh)"|\/(\w+\.sh)`/g),
      ].map(([, step, aside]) => step ?? aside ?? ""),
  );
  const tried = new Set(cases.map(({ script: name }) => name));
  expect([...new Set([...called, "system.sh"])].sort()).toEqual([...tried].sort());
});

const quoted = (args: string[]) => args.map((word) => `'${word}'`).join(" ");

test.each(cases)(
  "$script $args.0 changes nothing by an input that is cut off anywhere, and says so",
  ({ script: name, part, earlier, args, input }) => {
    const at = cuts(input);
    const { said, looks } = run(part, [], (host) => {
      host.write("/tmp/whole", input);
      return [
        ...earlier(host),
        "cp -R $FOLDER/tmp $FOLDER/kept",
        look("begun"),
        "echo CUTS >&2",
        `for at in ${at.join(" ")}; do`,
        `  if head -c $at $FOLDER/tmp/whole | $FOLDER/scripts/${name} ${quoted(args)} >&2; then echo "taken at $at" >&2; fi`,
        "done",
        "echo WHOLE >&2",
        look("cut"),
      ];
    });
    const [, cut = ""] = said.split(/CUTS\n|WHOLE\n/);
    expect(looks.cut).toBe(looks.begun);
    const words = "the connection broke before all of standard input had come; nothing was changed";
    const lines = cut.trimEnd().split("\n");
    expect(lines.filter((line) => !line.endsWith(`: ${words}`))).toEqual([]);
    expect(lines).toHaveLength(at.length);
  },
  60_000,
);

test.each(cases)(
  "$script $args.0 has no lock while its input is still coming",
  ({ script: name, part, earlier, args, input }) => {
    const { said, looks } = run(part, [], (host) => {
      host.write("/tmp/half", input.slice(0, input.length / 2));
      return [
        ...earlier(host),
        look("begun"),
        "mkfifo $FOLDER/tmp/coming",
        "coming() { find $FOLDER/tmp $FOLDER/run -path '*/lvs-ha.*/all'; }",
        `$FOLDER/scripts/${name} ${quoted(args)} <$FOLDER/tmp/coming >&2 9>&- &`,
        "exec 8>$FOLDER/tmp/coming",
        "cat $FOLDER/tmp/half >&8",
        // Half a second at most.
        "for i in 1 2 3 4 5 6 7 8 9 10; do",
        '  ! cmp -s $FOLDER/tmp/half "$(coming)" || break',
        "  /bin/sleep 0.05",
        "done",
        'cmp $FOLDER/tmp/half "$(coming)"',
        "flock -n /run/lvs-ha.lock echo the lock is free >&2",
        "exec 8>&-",
        "! wait $!",
        "rm $FOLDER/tmp/coming",
        look("cut"),
      ];
    });
    expect(said).toContain("the lock is free\n");
    expect(looks.cut).toBe(looks.begun);
  },
);

describe("a file whose lines look like headers and ends", () => {
  const lines = ["==> end <==", "==> /etc/passwd <==", "===> x", "=", "==> end <== x", " ==> y"];
  const text = renderFiles({ "/a": lines, "/b": ["c"] });

  test("is what it was, to the stack and on the host", () => {
    expect([...parseFiles(withoutEnd(withEnd(text)))]).toEqual([
      ["/a", lines.map((line) => `${line}\n`).join("")],
      ["/b", "c\n"],
    ]);
    const host = new PretendHost();
    try {
      const { code, stdout } = host.shell(
        `what=x; set -- apply; . ${host.scripts}/files.sh; split_files; cd "$scratch/files"; cat a; find . -type f | sort`,
        [],
        withEnd(text),
      );
      expect([code, stdout]).toEqual([0, `${lines.join("\n")}\n./a\n./b\n`]);
    } finally {
      host.remove();
    }
  });

  test("has no end in it", () => {
    const host = new PretendHost();
    try {
      for (const at of cuts(text)) {
        const line = `what=x; set -- apply; . ${host.scripts}/files.sh; echo taken`;
        expect(host.shell(line, [], text.slice(0, at))).toMatchObject({ code: 1, stdout: "" });
      }
    } finally {
      host.remove();
    }
  });

  test("is no input where files have no headers", () => {
    expect(() => withEnd("a\n==> end <== x\n")).toThrow("the line that ends it: ==> end <==");
    expect(withEnd("a")).toBe("a\n==> end <==\n");
    expect(withoutEnd("a\n")).toBe("a\n");
  });
});

describe("a program that comes by standard input runs when all of it has come", () => {
  const report = readFileSync(join(__dirname, "../../ops/report.sh"), "utf8");
  const programs: [string, string, number][] = [
    ["the scripts", bundle(), 150],
    ["the deploy key's", program(script("authorize.sh")), 1],
    ["the operator's look", program(report), 2],
    ["the operator's comparison", program(sampleStack().hosts.map(verifying).join("")), 900],
    ["the operator's order", program("echo told\nexec true\n"), 1],
  ];

  test.each(["dash", "bash"].flatMap((shell) => programs.map((one) => [shell, ...one] as const)))(
    "in %s: %s",
    (shell, _what, text, every) => {
      // Without the last line, which has the closing brace.
      const at = cuts(text.slice(0, text.lastIndexOf("}"))).filter((_, i) => i % every === 0);
      expect(at.length).toBeGreaterThan(5);
      const tried = at.length > 40 ? oneIn(8, at) : at;
      for (const end of tried.filter((one) => one > 0)) {
        const { status, stdout } = spawnSync(`/bin/${shell}`, ["-s", "--", "a", "b", "c"], {
          input: text.slice(0, end),
          encoding: "utf8",
          env: { PATH: "/nowhere", HOME: "/nowhere" },
        });
        // If a command had run, it would not be found: 127.
        expect([end, status, stdout]).toEqual([end, 2, ""]);
      }
    },
    60_000,
  );
});
