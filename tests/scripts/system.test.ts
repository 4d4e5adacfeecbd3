// A host's kernel, firewall and virtual addresses arrive in one input, which is split on the host.
import { parseSections, renderSections, withEnd } from "../../components/render/files";
import { script } from "../../components/host/scripts";
import { unmissedLines } from "./everyLine";
import { PretendHost } from "./host";

const client = "198.51.100.7 40000 192.0.2.1 22";
const sections = [
  { words: ["kernel.sh"], text: "==> /etc/sysctl.d/90-lvs-ha.conf <==\na = 1\n" },
  { words: ["firewall.sh", "nftables"], text: ">>> a line <<<\n>>>> another\n" },
  { words: ["vip.sh"], text: "" },
];

let host: PretendHost;

beforeEach(() => {
  host = new PretendHost();
  // Each script logs its arguments and input.
  for (const { words } of sections) {
    const [name = ""] = words;
    host.write(
      `/scripts/${name}`,
      `#!/bin/sh\n{ echo "$#" "\${0##*/}" "$@"; cat; } >>"$FOLDER/tmp/told"\n[ ! -e "$FOLDER/tmp/\${0##*/}-fails" ] || exit 7\n`,
      0o755,
    );
  }
});

afterEach(() => {
  host.remove();
});

const apply = () => {
  // Input from a file: a script that doesn't read it causes no broken pipe.
  host.write("/tmp/input", withEnd(renderSections(sections)));
  const words = ["apply", "p-web1-system/10.10.0.21", client];
  return host.shell(`exec ${host.scripts}/system.sh "$@" <"$FOLDER/tmp/input"`, words);
};
const undo = () => host.script("system.sh", ["undo", "p-web1-system/10.10.0.21"]);
const told = () => host.read("/tmp/told") ?? "";

test("each script has its arguments and its whole input, one after the other; the firewall's hears of the SSH client", () => {
  expect(apply()).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(told()).toBe(
    [
      "2 kernel.sh apply p-web1-system/10.10.0.21",
      "==> /etc/sysctl.d/90-lvs-ha.conf <==",
      "a = 1",
      "==> end <==",
      `4 firewall.sh apply p-web1-system/10.10.0.21 nftables ${client}`,
      ">>> a line <<<",
      ">>>> another",
      "==> end <==",
      "2 vip.sh apply p-web1-system/10.10.0.21",
      "==> end <==",
      "",
    ].join("\n"),
  );
});

test("one that fails is the last", () => {
  host.write("/tmp/firewall.sh-fails", "");
  expect(apply().code).toBe(7);
  expect(told()).toContain("firewall.sh apply");
  expect(told()).not.toContain("vip.sh");
});

test("what was applied is undone in reverse, and nothing where nothing was", () => {
  expect([undo().code, told()]).toEqual([0, ""]);
  apply();
  host.write("/tmp/told", "");
  expect(undo()).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(told()).toBe(
    ["vip.sh", "firewall.sh", "kernel.sh"]
      .map((name) => `2 ${name} undo p-web1-system/10.10.0.21\n`)
      .join(""),
  );
  host.write("/tmp/told", "");
  expect([undo().code, told()]).toEqual([0, ""]);
});

test("an undo that fails is a failure, and is begun again", () => {
  apply();
  host.write("/tmp/firewall.sh-fails", "");
  host.write("/tmp/told", "");
  expect([undo().code, told().split("\n").length]).toEqual([7, 3]);
  expect([undo().code, told().split("\n").length]).toEqual([7, 5]);
});

test("the operator's command reads the same sections", () => {
  expect(parseSections(renderSections(sections))).toEqual(sections);
});

test("no line of the script can be lost without one of these cases to show it", () => {
  const shown = (act: () => unknown) => (changed: string) => {
    for (const path of ["/tmp/told", "/var/lib/lvs-ha"])
      host.shell(`rm -rf "$FOLDER${path.replace("/var/lib", "/var")}"`);
    host.shell('rm -f "$FOLDER"/tmp/*-fails');
    host.write("/scripts/system.sh", changed, 0o755);
    return act();
  };
  const cases = [
    shown(() => [apply(), told(), undo(), told(), undo(), told()]),
    shown(() => [undo(), told()]),
    shown(() => {
      host.write("/tmp/firewall.sh-fails", "");
      return [apply(), told()];
    }),
    shown(() => host.shell(`${host.scripts}/system.sh apply lvs1 client </dev/null`)),
  ];
  expect(unmissedLines(script("system.sh"), cases)).toEqual([]);
}, 120_000);
