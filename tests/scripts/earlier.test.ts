// A host on which a version of the stack without journals was interrupted in the middle of a
// change, with the files that this leaves.
import { withEnd } from "../../components/render/files";
import {
  applied,
  apply,
  files,
  folder,
  keepalived,
  host,
  owner,
  running,
  script,
  textOf,
  told,
  type Config,
} from "./keepalivedHost";
import { failures } from "./failures";
import type { PretendHost } from "./host";
import { atMoment, watch } from "./moments";
import { apply as line, look, run, type Seen } from "./parts";

/**
 * Files that an unfinished change of that version or of this one keeps beside the changed files.
 */
const find =
  "find /etc /var/lib/lvs-ha | grep -E 'lvs-ha-(previous|new|before)|[.]changed$|unproven$|/changes/'";
const left = () => host.shell(find).stdout;

/** A shell line that keeps a copy of a file or folder beside it, as that version did. */
const keep = (file: string) => `cp -Rp ${file} ${file}.lvs-ha-previous`;

describe("a config that is in place, and not proven,", () => {
  const mark = "/var/lib/lvs-ha/keepalived-unproven";
  const half: Config = { id: "half", scripts: { check: script("half"), new: script("new") } };
  const refused: Config = { id: "deaf", weight: 9, deaf: true, scripts: {} };

  beforeEach(() => {
    applied(half);
    host.shell(`tar -C / -cf $FOLDER/tmp/half ${folder} /etc/lvs-ha/director`);
    applied({ id: "proven", scripts: { check: script("proven"), gone: script("gone") } });
    const lines = [
      "set -e",
      ...[`${folder}/keepalived.conf`, "/etc/lvs-ha/director", `${folder}/lvs-ha-scripts`].map(
        keep,
      ),
      "tar -C / -xf $FOLDER/tmp/half",
      `printf '%s\\n' 'enabled active' '-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1' >${mark}`,
      "rm $FOLDER/tmp/told",
    ];
    expect(host.shell(lines.join("\n"))).toEqual({ code: 0, stdout: "", stderr: "" });
    expect([running(), textOf("check"), textOf("gone")]).toEqual([
      "# half",
      script("half"),
      script("gone"),
    ]);
  });

  const isProven = () => {
    expect([running(), textOf("check"), textOf("gone"), textOf("new"), left()]).toEqual([
      "# proven",
      script("proven"),
      script("gone"),
      undefined,
      "",
    ]);
  };

  test("is gone on with", () => {
    expect(applied(half).stderr).toContain("goes on with a change that was cut off");
    expect([told(), running(), textOf("gone"), left()]).toEqual([
      ["reload"],
      "# half",
      undefined,
      "",
    ]);
  });

  test("is no way back: that leads to what was there before it", () => {
    expect(apply(refused).code).toBe(1);
    isProven();
  });

  test.each([5, 15, 25, 35, 45, 55, 65, 75, 85])(
    "is what the next run goes back from, too, where one is killed at its program %i",
    (moment) => {
      watch(host);
      host.write("/tmp/input", withEnd(files(refused)));
      const again = `$FOLDER/scripts/keepalived.sh apply ${owner} <$FOLDER/tmp/input`;
      const { code } = host.shell(atMoment(again, moment, "kill"));
      expect([code, host.read("/tmp/done")]).toEqual([137, ""]);
      expect(apply(refused).code).toBe(1);
      isProven();
    },
  );

  test("goes where the stack goes, with all that is beside it", () => {
    expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
    expect([host.shell(`ls -A ${folder}`).stdout, left()]).toEqual(["", ""]);
  });
});

test("what is beside a config that is proven goes, and costs no reload", () => {
  const config: Config = { id: "proven", scripts: { check: script("check") } };
  applied(config);
  const names = ["keepalived.conf", "lvs-ha-scripts"].map((name) => keep(`${folder}/${name}`));
  host.shell([...names, `touch ${folder}/keepalived.conf.lvs-ha-new`].join("\n"));
  expect(applied(config).stderr).toContain("config unchanged");
  expect([told(), left()]).toEqual([["start"], ""]);
});

describe("secrets that are in place, and that keepalived hasn't taken,", () => {
  const secrets = `${folder}/lvs-ha-secrets.conf`;

  beforeEach(() => {
    applied({ id: "first", secret: true });
    host.write(secrets, "auth_pass second\n", 0o600);
    host.write(`${secrets}.lvs-ha-previous`, "auth_pass first\n", 0o600);
    host.write(`${secrets}.changed`, "");
  });
  const again = () => host.script("secrets.sh", ["apply", owner], "auth_pass second\n");

  test("are gone on with", () => {
    expect([again().code, host.read(secrets)]).toEqual([0, "auth_pass second\n"]);
    expect([told(), left()]).toEqual([["start", "reload"], ""]);
  });

  test("are no way back: that leads to those before them", () => {
    keepalived(`[ "$1" != reload ] || ! grep -q second ${secrets} || exit 1`);
    expect([again().code, host.read(secrets), left()]).toEqual([1, "auth_pass first\n", ""]);
  });
});

/**
 * Turns what an interrupted run of this version leaves into what a version without journals leaves:
 * second names without a journal.
 */
const asEarlier = [
  "cd /var/lib/lvs-ha/changes/*",
  "while read -r was _ file; do",
  '    [ "$was" = absent ] || ! before=$(ls "${file%/*}/.${file##*/}.lvs-ha-before") || mv "$before" "$file.lvs-ha-before"',
  "done <files",
  "cd /",
  "rm -r /var/lib/lvs-ha/changes /var/lib/lvs-ha/owners/*.lvs-ha-before",
  "find /etc /var/lib | grep -q lvs-ha-before",
];

describe.each([
  ["a table that the kernel doesn't take", 0.8],
  ["a rule that ufw doesn't take, after a table that the kernel took", 0.6],
  ["a sysctl that the kernel doesn't take", 0.75],
])("files that have second names: %s", (name, part) => {
  const { script, made, fails, around } = failures[name] ?? {};
  if (!script || !made || !fails || !around) throw new Error(name);
  let moment = 0;
  const seen = (then?: (change: string) => string[]) => {
    const watched = (host: PretendHost) => {
      around(host);
      watch(host);
    };
    return run({ before: {}, changes: {}, around: watched }, [], (on) => {
      const change = line(on, script, "lvs1", fails);
      return [
        line(on, script, "lvs1", made),
        look("made"),
        `${atMoment(change, moment, "kill")} || [ $? = 137 ]`,
        ...(then ? asEarlier : []),
        look("half"),
        ...(then?.(change) ?? []),
        look("left"),
      ];
    });
  };
  const shown = (text = "") => text.replace(/^etc\/lvs-ha\/ssh-clients.*\n/gm, "");
  let whole: Seen;

  beforeAll(() => {
    moment = 99_999;
    whole = seen();
    moment = Math.floor((whole.files.moments?.trimEnd().split("\n").length ?? 0) * part);
  });

  test("are gone on with", () => {
    const { looks, said } = seen((change) => [change]);
    expect(said).toContain("goes on with a change that was cut off");
    expect(shown(looks.left)).toBe(shown(whole.looks.left));
  });

  test("are undone with the stack", () => {
    const undo = `$FOLDER/scripts/${script} undo lvs1`;
    const { looks } = seen(() => [undo]);
    expect(shown(looks.left)).toBe(shown(looks.before));
  });

  test("are where a change that fails goes back to", () => {
    const { looks } = seen((change) => [
      ": >$FOLDER/tmp/fails",
      `printf '#!/bin/sh\nexit 1\n' >$FOLDER/bin/modprobe; chmod +x $FOLDER/bin/modprobe`,
      `! ${change}`,
    ]);
    expect(looks.half).not.toBe(looks.made);
    expect(shown(looks.left)).toBe(shown(looks.made));
  });
});
