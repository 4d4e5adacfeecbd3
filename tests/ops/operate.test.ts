// drain, undrain, logs, failover and maintenance as an operator runs them: actions, output and exit
// codes.
import { rmSync, writeFileSync } from "node:fs";
import { bundled } from "../support/lvs";
import { entered, names, PretendStack, weightOfWeb2 } from "./pretendStack";
import { edit, type Sections, sample, takeAddress } from "./sampleHosts";
import { saysOfTwo } from "./twoInstances";

jest.setTimeout(60_000);

let stack: PretendStack;

beforeAll(async () => {
  stack = await PretendStack.start();
});

afterAll(async () => {
  await stack.stop();
});

beforeEach(() => {
  stack.reset();
});

const file = (name: string) => stack.file(name);
const lvs = (...args: string[]) => stack.lvs(...args);
const done = () => stack.done();

/**
 * Runs lvs with a clock that is a thousand times too fast: a minute is over after the first look.
 */
async function lvsInAHurry(...args: string[]) {
  const clock =
    "const now = performance.now.bind(performance); performance.now = () => 1000 * now();";
  return stack.lvsWith({ program: [...nodeWith(clock), await bundled()] }, ...args);
}

/** A node that runs this code first. */
function nodeWith(code: string): string[] {
  return [process.execPath, "--import", `data:text/javascript,${encodeURIComponent(code)}`];
}

const drained = (open: number) => `drain: 192.0.2.22: no new connections; ${open} open after 5 s\n`;

const isStopped = (sections: Sections) => {
  edit(sections, "service keepalived.service", "=active", "=inactive");
  edit(sections, "ipvs", /TCP[^]*/, "");
};

describe("lvs drain", () => {
  test("has every director drain the real server, tells what each said, and how many connections are left", async () => {
    writeFileSync(file("host/lvs1.drain"), drained(0));
    writeFileSync(file("host/lvs2.drain"), drained(0));
    const well = await lvs("drain", "web2", "--seconds", "5");
    expect([well.exitCode, well.stdout]).toEqual([
      0,
      ["lvs1", "lvs2"]
        .map((name) => `${name}  ● 192.0.2.22: no new connections; 0 open after 5 s\n`)
        .join(""),
    ]);
    expect(done()).toEqual([
      "lvs1 drain.sh drain 5 192.0.2.22",
      "lvs2 drain.sh drain 5 192.0.2.22",
    ]);
    writeFileSync(file("host/lvs1.drain"), drained(3));
    const some = await lvs("drain", "web2", "--seconds", "0");
    expect([some.exitCode, some.stdout.split("\n")[0]]).toEqual([
      1,
      "lvs1  ▲ 192.0.2.22: no new connections; 3 open after 5 s",
    ]);
    const left = await lvs("drain", "web2", "--json");
    const told = JSON.parse(left.stdout) as { directors: object[] };
    expect([left.exitCode, told.directors[0]]).toEqual([
      1,
      {
        director: "lvs1",
        unreachable: null,
        mayStill: false,
        done: true,
        said: ["192.0.2.22: no new connections; 3 open after 5 s"],
        openConnections: 3,
        silentConnections: 0,
        heardConnections: 0,
      },
    ]);
  }, 60_000);

  test("ends well with connections that aren't waited for, and tells how many", async () => {
    const said = "192.0.2.22: no new connections; 0 open after 2 s; not waited for: ";
    const heard = "7 silent for 30 s or more, 99 that only another director told of";
    writeFileSync(file("host/lvs1.drain"), drained(0));
    writeFileSync(file("host/lvs2.drain"), `drain: ${said}${heard}\n`);
    const { exitCode, stdout } = await lvs("drain", "web2");
    expect([exitCode, stdout.split("\n")[1]]).toEqual([0, `lvs2  ● ${said}${heard}`]);
    const asJson = await lvs("drain", "web2", "--json");
    expect([asJson.exitCode, JSON.parse(asJson.stdout)]).toMatchObject([
      0,
      {
        directors: [
          { openConnections: 0, silentConnections: 0, heardConnections: 0 },
          { openConnections: 0, silentConnections: 7, heardConnections: 99 },
        ],
      },
    ]);
  });

  test("refuses the last real server of a pool, or takes it out of the others", async () => {
    stack.says("lvs2", (sections) => {
      edit(sections, "ipvs", / +-> 192\.0\.2\.2[13]:80 .*\n/g, "");
    });
    const refused = await lvs("drain", "web2");
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      "lvs: web2 is the last one in a pool: web on lvs2; --partly takes it out of the others\n",
    ]);
    expect(done()).toEqual([]);
    writeFileSync(file("host/lvs2.drain"), "drain: 192.0.2.22 stays in: nobody else serves\n");
    const partly = await lvs("drain", "web2", "--partly");
    expect([partly.exitCode, partly.stdout]).toEqual([
      0,
      "lvs2  ● 192.0.2.22 stays in: nobody else serves\n",
    ]);
    expect(done()).toHaveLength(2);
  });

  test("tells of a director that was not told, and ends with 1", async () => {
    writeFileSync(file("host/lvs1.drain"), drained(0));
    stack.cannotReach("lvs2");
    const { exitCode, stdout } = await lvs("drain", "web2", "--timeout", "5");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^lvs2 {2}✘ can't be reached, and was not told: .+$/m);
    expect(done()).toEqual(["lvs1 drain.sh drain 30 192.0.2.22"]);
  });

  test("says of a director that was told and has not answered that it may drain yet", async () => {
    writeFileSync(file("host/lvs1.drain"), drained(0));
    // ssh(1) exits in this way when the connection breaks.
    stack.changeProgram("host/drain.sh", "#!/bin/sh", '[ "$NAME" = lvs1 ] || exit 255');
    const { exitCode, stdout } = await lvs("drain", "web2", "--seconds", "0");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("lvs2  ✘ was told, and may still do it (look with lvs status): ");
    const asJson = await lvs("drain", "web2", "--seconds", "0", "--json");
    const { directors } = JSON.parse(asJson.stdout) as { directors: object[] };
    expect(directors[1]).toMatchObject({ director: "lvs2", mayStill: true, done: null });
  });

  test("leaves a director in maintenance alone: its keepalived is stopped", async () => {
    stack.stops("lvs2");
    stack.says("lvs2", isStopped);
    writeFileSync(file("host/lvs1.drain"), drained(0));
    for (const command of ["drain", "undrain"]) {
      const { exitCode, stdout } = await lvs(command, "web2");
      expect([exitCode, stdout]).toEqual([
        0,
        "lvs1  ● 192.0.2.22: no new connections; 0 open after 5 s\n",
      ]);
    }
    expect(done()).toEqual([
      "lvs1 drain.sh drain 30 192.0.2.22",
      "lvs1 drain.sh undrain 192.0.2.22",
    ]);
  });

  test("gives a director the seconds of the drain, and a minute for the checks, beside its own time", async () => {
    stack.changeProgram("host/drain.sh", "#!/bin/sh", "exec sleep 60");
    // Any limit over a minute expires after a second.
    const hurry = `const { setTimeout } = globalThis;
      globalThis.setTimeout = (work, time, ...args) =>
        setTimeout(work, time > 6e4 ? 1000 : time, ...args);`;
    const program = [...nodeWith(hurry), await bundled()];
    const limits = async (...args: string[]) => {
      const { exitCode, stdout } = await stack.lvsWith({ program }, ...args);
      const seconds = [...stdout.matchAll(/ no answer within (\d+) s$/gm)].map(
        ([, limit]) => limit,
      );
      return [exitCode, ...seconds];
    };
    const all = await Promise.all([
      limits("drain", "web2"),
      limits("drain", "web2", "--seconds", "3600", "--timeout", "30"),
      limits("undrain", "web2"),
    ]);
    expect(all).toEqual([
      [3, "110", "110"],
      [3, "3690", "3690"],
      [3, "80", "80"],
    ]);
  });

  test("knows its real servers and its seconds", async () => {
    const { exitCode, stderr } = await lvs("drain", "web9");
    expect([exitCode, stderr]).toEqual([
      2,
      "lvs: no virtual server has a real server web9; they have web1, web2, web3\n",
    ]);
    for (const seconds of ["3601", "-1", "1.5"]) {
      expect([seconds, (await lvs("drain", "web2", "--seconds", seconds)).exitCode]).toEqual([
        ...[seconds, 2],
      ]);
    }
    expect((await lvs("undrain", "web9")).exitCode).toBe(2);
    expect(done()).toEqual([]);
  });
});

test("lvs undrain tells of a check that keeps the real server out, and ends with 1", async () => {
  writeFileSync(file("host/lvs1.drain"), "drain: 192.0.2.22: in again\n");
  expect((await lvs("undrain", "web2")).exitCode).toBe(0);
  writeFileSync(file("host/lvs2.drain"), "drain: 192.0.2.22 is out after 60 s: its check fails\n");
  const { exitCode, stdout } = await lvs("undrain", "web2");
  expect([exitCode, stdout]).toEqual([
    1,
    "lvs1  ● 192.0.2.22: in again\nlvs2  ✘ 192.0.2.22 is out after 60 s: its check fails\n",
  ]);
  expect(done()).toHaveLength(4);
});

describe("lvs logs", () => {
  const units = "-u keepalived -u lvs-ha-*";

  beforeEach(() => {
    for (const name of names) writeFileSync(file(`host/${name}.journal`), "");
    writeFileSync(file("host/lvs1.journal"), "1795414349.5 h Keepalived_vrrp[264]: b\n");
    writeFileSync(file("host/web1.journal"), "1795414348.25 h systemd[1]: a\n  more\n");
  });

  test("prints what all hosts' journals have, in order of time; as JSON, a line each", async () => {
    const { exitCode, stdout, stderr } = await lvs("logs");
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^2026-\S+ \S+:28\.250 {2}web1 {2}systemd\[1\]: a\n {2}more\n2026-\S+ \S+:29\.500 {2}lvs1 {2}Keepalived_vrrp\[264\]: b\n$/,
    );
    expect(done()).toHaveLength(names.length);
    expect(done()[0]).toBe(`lvs1 journalctl --no-pager -q -o short-unix ${units} --lines=100`);
    const lines = (await lvs("logs", "--json")).stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { host: "web1", at: "2026-11-23T06:12:28.250Z", text: "systemd[1]: a\n  more" },
      { host: "lvs1", at: "2026-11-23T06:12:29.500Z", text: "Keepalived_vrrp[264]: b" },
    ]);
  });

  test("asks one host alone, for what is wanted; one that isn't there is a mistake", async () => {
    await lvs("logs", "lvs1", "--since", "1 hour ago");
    await lvs("logs", "lvs1", "--since", "1 hour ago", "--lines", "all");
    const words = `lvs1 journalctl --no-pager -q -o short-unix ${units} --since=1 hour ago`;
    expect(done()).toEqual([words, `${words} --lines=all`]);
    const { exitCode, stderr } = await lvs("logs", "web9");
    expect([exitCode, stderr]).toEqual([
      2,
      "lvs: no host web9 in the stack; it has lvs1, lvs2, web1, web2, web3\n",
    ]);
  });

  test("a time that journalctl doesn't take is one error, however many hosts say so", async () => {
    stack.program("host/journalctl", ["echo 'Failed to parse timestamp: soonish' >&2", "exit 1"]);
    for (const how of [[], ["--follow"]]) {
      const { exitCode, stderr } = await lvs("logs", "--since", "soonish", ...how);
      expect([exitCode, stderr]).toEqual([
        2,
        expect.stringMatching(/^lvs: --since: soonish is not a time that journalctl\S+ takes.*\n$/),
      ]);
    }
  });

  test("tells of a host that can't be asked, and prints what the others have", async () => {
    stack.cannotReach("lvs2");
    const { exitCode, stdout, stderr } = await lvs("logs", "--timeout", "5");
    expect([exitCode, stdout.split("\n").length]).toEqual([1, 4]);
    expect(stderr).toMatch(/^lvs: lvs2: .*\n$/);
    const none = await lvs("logs", "lvs2", "--timeout", "5");
    expect([none.exitCode, none.stdout]).toEqual([3, ""]);
  });

  test("with --follow prints each entry as it comes", async () => {
    const { stdout, stderr } = await lvs("logs", "lvs1", "--follow", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ host: "lvs1" });
    // The test's journal ends.
    expect(stderr).toContain("lvs: lvs1: ended with 0\n");
    expect(done()[0]).toMatch(/ --follow$/);
  });

  test("with --follow keeps further lines with their entry, and loses none at its end", async () => {
    stack.program("host/journalctl", [
      'cat "$FOLDER/$NAME.journal"',
      'if [ "$NAME" = web1 ]; then',
      "    sleep 1",
      '    printf "  late\\n1795414350.5 h x: b\\n  last\\n"',
      "fi",
      "exec sleep 60",
    ]);
    const running = await stack.startLvs("logs", "--follow", "--json");
    const entry = (host: string, second: string, text: string) => ({
      ...{ host, at: `2026-11-23T06:12:${second}0Z`, text },
    });
    const own = entry("web1", "28.25", "systemd[1]: a\n  more");
    await running.until("late");
    running.child.kill();
    const { stdout } = await running.ended;
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { host: string });
    expect(found.filter(({ host }) => host === "web1")).toEqual([
      own,
      { ...own, text: "  late" },
      // The process was ended before this entry was known to be complete.
      entry("web1", "30.50", "x: b\n  last"),
    ]);
  });
});

describe("lvs failover", () => {
  test("restarts the active director's keepalived, waits for the other, and tells how long it took", async () => {
    stack.movesTheAddress();
    const { exitCode, stdout, stderr } = await lvs("failover", "--yes");
    expect([exitCode, stderr]).toEqual([0, "VI_1 (192.0.2.100): lvs1 to lvs2\n"]);
    expect(stdout).toMatch(/^● lvs2 took over after \d+ ms\n$/);
    expect(done()).toEqual(["lvs1 systemctl restart keepalived"]);
    const again = await lvs("failover", "--yes", "--to", "lvs2", "--json");
    expect([again.exitCode, JSON.parse(again.stdout)]).toEqual([0, { from: null, to: "lvs2" }]);
    expect(done()).toHaveLength(1);
  });

  test("says what went wrong on the way, and what is wrong afterwards", async () => {
    stack.movesTheAddress();
    stack.says("lvs1", takeAddress, "after");
    stack.program("host/date", [
      'now=$(cat "$FOLDER/now" 2>/dev/null) || now=0',
      'echo $((now + 10)) | tee "$FOLDER/now"',
    ]);
    rmSync(file("after/lvs2.report"));
    const { exitCode, stderr } = await lvs("failover", "--yes");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("lvs: after 30 s lvs2 does not have all addresses: lvs status\n");
  });

  test("ends with 1 when the director that was active does not stand by in the end", async () => {
    stack.movesTheAddress();
    const failed = (sections: Sections) => {
      takeAddress(sections);
      edit(sections, "service keepalived.service", "=active", "=failed");
    };
    stack.says("lvs1", failed, "after");
    const { exitCode, stdout, stderr } = await lvsInAHurry("failover", "--yes");
    expect([exitCode, stderr.split("\n").at(-2)]).toEqual([
      1,
      "lvs: lvs1: keepalived is not running",
    ]);
    expect(stdout).toMatch(/^● lvs2 took over after \d+ ms\n$/);
    stack.reset();
    stack.movesTheAddress();
    stack.says("lvs1", failed, "after");
    const asJson = await lvsInAHurry("failover", "--yes", "--json");
    expect([asJson.exitCode, JSON.parse(asJson.stdout)]).toEqual([
      1,
      {
        from: "lvs1",
        moves: [{ instance: "VI_1", addresses: ["192.0.2.100"], to: "lvs2" }],
        warnings: [],
        milliseconds: expect.any(Number) as number,
        standsBy: false,
      },
    ]);
  });

  test("waits until the director that was active stands by", async () => {
    stack.movesTheAddress();
    stack.says(
      "lvs1",
      (sections) => {
        takeAddress(sections);
        entered(sections, "MASTER", "BACKUP");
      },
      "later",
    );
    stack.says(
      "lvs1",
      (sections) => {
        takeAddress(sections);
        edit(sections, "service keepalived.service", "=active", "=activating");
      },
      "after",
    );
    const { exitCode, stderr } = await lvs("failover", "--yes");
    expect([exitCode, stderr]).toEqual([0, "VI_1 (192.0.2.100): lvs1 to lvs2\n"]);
  });

  test("of three directors goes to the one of the next priority; another --to is refused", async () => {
    stack.addThirdDirector(145);
    const refused = await lvs("failover", "--yes", "--to", "lvs2");
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      "lvs: lvs3 takes VI_1 over, not lvs2: it has the highest priority of those that stand by\n",
    ]);
    const typed = { cue: "Fail over? [y/N]", answer: "n\r" };
    const no = await stack.lvsOnTerminal(typed, "failover");
    expect([no.exitCode, no.stdout]).toEqual([
      2,
      expect.stringContaining("VI_1 (192.0.2.100): lvs1 to lvs3\r\n") as string,
    ]);
    expect(done()).toEqual([]);
  });

  test("warns when the successor knows no open connections", async () => {
    stack.movesTheAddress();
    stack.says("lvs2", (sections) => {
      edit(sections, "ipvs-daemons", /[^]+/, "");
    });
    const { exitCode, stderr } = await lvs("failover", "--yes");
    expect([exitCode, stderr.split("\n")[1]]).toEqual([
      0,
      "▲ lvs2 knows no open connections (it has no backup sync daemon): they break",
    ]);
  });

  test("does nothing without a yes, or when clients would be worse off", async () => {
    const nobody = await lvs("failover");
    expect([nobody.exitCode, nobody.stderr]).toEqual([
      2,
      "lvs: nobody is there to ask: say --yes\n",
    ]);
    stack.says("lvs2", (sections) => {
      entered(sections, "BACKUP", "FAULT");
    });
    const refused = await lvs("failover", "--yes");
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      "lvs: nobody can take VI_1 over from lvs1: lvs2 is in FAULT state\n",
    ]);
    const unknown = await lvs("failover", "--yes", "--instance", "VI_9");
    expect([unknown.exitCode, unknown.stderr]).toEqual([
      2,
      "lvs: no VRRP instance VI_9; there are VI_1\n",
    ]);
    expect(done()).toEqual([]);
  });
});

describe("lvs maintenance", () => {
  test("on writes a real server into the config, shows that, applies it, and says what may be done", async () => {
    stack.configure(["web9"]);
    for (const name of ["lvs1", "lvs2"]) stack.says(name, weightOfWeb2(0), "after");
    const { exitCode, stdout } = await lvs("maintenance", "on", "web2", "--yes");
    expect(exitCode).toBe(0);
    expect(done()).toEqual([
      "config set --path lvs-ha:maintenance[1] web2",
      "preview --diff",
      "up --yes --skip-preview",
    ]);
    expect(stdout).toBe(
      [
        "the preview",
        "pulumi up was here",
        "● web2 gets no new connections. It may be rebooted or worked on.",
        "Back with: lvs maintenance off web2",
        "",
      ].join("\n"),
    );
  });

  test("on doesn't say that a host may be rebooted while a mark's connections are open on their director", async () => {
    stack.hasTwoInstances();
    for (const name of ["lvs1", "lvs2"]) {
      stack.says(
        name,
        (sections) => {
          weightOfWeb2(0)(sections);
          saysOfTwo(name, sections, name === "lvs2" ? 500 : 3);
          edit(sections, "ipvs", /(0\.2\.22:0 +Route +)1/, "$10");
        },
        "after",
      );
      stack.says(name, (sections) => {
        saysOfTwo(name, sections, 0);
      });
    }
    const { exitCode, stdout } = await lvs("maintenance", "on", "web2", "--yes");
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringContaining(
        "web2 gets no new connections. 500 connections of before go on, or are silent: when lvs status shows 0",
      ),
    ]);
  });

  test("off takes it out again, and waits until it serves", async () => {
    stack.configure(["lvs2", "web2"]);
    for (const name of ["lvs1", "lvs2"]) {
      stack.says(name, weightOfWeb2(0));
      writeFileSync(file(`after/${name}.report`), sample(`${name}.report`));
    }
    const { exitCode, stdout } = await lvs("maintenance", "off", "web2", "--yes");
    expect([exitCode, stdout]).toEqual([0, "the preview\npulumi up was here\n● web2 is back\n"]);
    expect(done()[0]).toBe("config rm --path lvs-ha:maintenance[1]");
  });

  const weight = (of: number, when: "now" | "after" | "later") => {
    for (const name of ["lvs1", "lvs2"]) {
      stack.says(name, of === 1 ? () => undefined : weightOfWeb2(of), when);
    }
  };

  test("waits until the directors have done what the change tells them, on and off", async () => {
    weight(1, "after");
    weight(0, "later");
    const on = await lvs("maintenance", "on", "web2", "--yes");
    expect([on.exitCode, on.stderr, on.stdout.split("\n").at(-3)]).toEqual([
      ...[0, "", "● web2 gets no new connections. It may be rebooted or worked on."],
    ]);
    stack.reset();
    stack.configure(["web2"]);
    weight(0, "now");
    weight(0, "after");
    weight(1, "later");
    const off = await lvs("maintenance", "off", "web2", "--yes");
    expect([off.exitCode, off.stderr, off.stdout.split("\n").at(-2)]).toEqual([
      ...[0, "", "● web2 is back"],
    ]);
  });

  test("ends with 1 when they have not in time, and says what is not so", async () => {
    const on = await lvsInAHurry("maintenance", "on", "web2", "--yes", "--json");
    const problem = "web2 is still in the pool of web";
    expect([on.exitCode, JSON.parse(on.stdout)]).toEqual([
      1,
      { host: "web2", maintenance: "on", applied: true, problem },
    ]);
    expect(on.stderr).toContain(`lvs: ${problem}\n`);
    stack.configure(["web2"]);
    weight(0, "now");
    const off = await lvsInAHurry("maintenance", "off", "web2", "--yes");
    expect([off.exitCode, off.stderr]).toEqual([
      1,
      "lvs: web2 is inhibited in the pool of web on lvs1: its check fails, or has not run\n",
    ]);
  });

  test("off is never refused: what comes back takes nothing away", async () => {
    stack.configure(["web2"]);
    // web2 is the last one in the pool, and permanently off.
    stack.says("lvs1", (sections) => {
      edit(sections, "ipvs", / +-> 192\.0\.2\.2[13]:80 .*\n/g, "");
    });
    const { exitCode, stdout } = await lvs("maintenance", "off", "web2", "--yes");
    expect([exitCode, stdout.split("\n").at(-2)]).toEqual([0, "● web2 is back"]);
    // It checks the hosts after the change; before, that isn't needed.
    const calls = stack.calls();
    const firstLook = calls.findIndex((call) => call.endsWith(" report"));
    expect(firstLook).toBeGreaterThan(calls.findIndex((call) => call.startsWith("up ")));
  });

  test("on says how many connections go on", async () => {
    const open = (sections: Sections) => {
      weightOfWeb2(0)(sections);
      edit(sections, "ipvs", /(192\.0\.2\.22:80 +Route +0 +)0/, "$17");
    };
    stack.says("lvs1", open, "after");
    stack.says("lvs2", weightOfWeb2(0), "after");
    const { exitCode, stdout } = await lvs("maintenance", "on", "web2", "--yes");
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringContaining(
        "● web2 gets no new connections. 7 connections of before go on, or are silent: when lvs status shows 0 under ACTIVE, it may be rebooted or worked on.\n",
      ) as string,
    ]);
  });

  test("without a person to ask, or a config that can be read, nothing is changed", async () => {
    const nobody = await lvs("maintenance", "on", "web2");
    expect([nobody.exitCode, nobody.stderr]).toEqual([
      2,
      "lvs: nobody is there to ask: say --yes\n",
    ]);
    stack.setConfig({ "lvs-ha:directors": { value: "lvs1" } });
    const unread = await lvs("maintenance", "on", "web2", "--yes");
    expect([unread.exitCode, unread.stderr.split("\n")[0]]).toEqual([
      3,
      expect.stringMatching(/^lvs: the stack config can't be read: /) as string,
    ]);
    expect(done()).toEqual([]);
  });

  test("on for the active director says who takes over, and waits until it has", async () => {
    stack.movesTheAddress();
    stack.configure(undefined);
    const { exitCode, stdout } = await lvs("maintenance", "on", "lvs1", "--yes", "--stack", "prod");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("lvs1 is active for VI_1 (192.0.2.100); lvs2 takes over\n");
    expect(stdout).toContain(
      "lvs1's keepalived is stopped, and stays so over a reboot; lvs2 serves.",
    );
    expect(done()[0]).toBe("config set --path lvs-ha:maintenance[0] lvs1 --stack prod");
  });

  test.each([
    ["n", "n\r", 2],
    ["nothing", "\r", 2],
    ["Ctrl-C", "\x03", 2],
    ["Ctrl-D", "\x04", 2],
    ["y", "y\r", 0],
  ])(
    "asks, and takes %s for what it is: a no leaves the config as it was",
    async (_, answer, code) => {
      for (const name of ["lvs1", "lvs2"]) stack.says(name, weightOfWeb2(0), "after");
      const { exitCode, stdout } = await stack.lvsOnTerminal(
        { cue: "[y/N]", answer },
        ...["maintenance", "on", "web2"],
      );
      const edited = ["config set --path lvs-ha:maintenance[0] web2", "preview --diff"];
      if (code === 0) {
        expect(done()).toEqual([...edited, "up --yes --skip-preview"]);
      } else {
        expect(done()).toEqual(["config rm --path lvs-ha:maintenance[0]", ...edited]);
        expect(stdout).toContain("nothing was changed; the config is as it was");
      }
      expect(exitCode).toBe(code);
    },
  );

  test("what is so already is said, and nothing is done", async () => {
    stack.configure(["web2"]);
    expect(await lvs("maintenance", "on", "web2", "--yes")).toEqual({
      exitCode: 0,
      stdout: "web2 is in maintenance already\n",
      stderr: "",
    });
    expect((await lvs("maintenance", "off", "web1", "--yes")).stdout).toBe(
      "web1 is not in maintenance already\n",
    );
    expect(done()).toEqual([]);
  });

  test("what is written but not applied is applied", async () => {
    stack.configure(["web2"]);
    writeFileSync(file("changed"), "error: no changes were expected but changes were proposed\n");
    for (const name of ["lvs1", "lvs2"]) stack.says(name, weightOfWeb2(0), "after");
    expect((await lvs("maintenance", "on", "web2", "--yes")).exitCode).toBe(0);
    expect(done()).toEqual(["preview --diff", "up --yes --skip-preview"]);
  });

  test("nothing else that was written into the config comes along", async () => {
    writeFileSync(file("changed"), "error: no changes were expected but changes were proposed\n");
    const { exitCode, stderr } = await lvs("maintenance", "on", "web2", "--yes");
    expect([exitCode, stderr]).toEqual([
      2,
      "lvs: the config has changed since the last pulumi up: apply that first\n",
    ]);
    expect(done()).toEqual([]);
  });

  test("what clients can't do without stays: the last real server, the only director", async () => {
    stack.says("lvs1", (sections) => {
      edit(sections, "ipvs", / +-> 192\.0\.2\.2[13]:80 .*\n/g, "");
    });
    const last = await lvs("maintenance", "on", "web2", "--yes");
    expect([last.exitCode, last.stderr]).toEqual([
      1,
      "lvs: web2 is the last one in a pool: web on lvs1\n",
    ]);
    stack.says("lvs2", (sections) => {
      edit(sections, "service keepalived.service", "=active", "=failed");
    });
    const only = await lvs("maintenance", "on", "lvs1", "--yes");
    expect([only.exitCode, only.stderr]).toEqual([
      1,
      "lvs: nobody can take VI_1 over from lvs1: lvs2 has no keepalived running\n",
    ]);
    expect(done()).toEqual([]);
  });

  test("an up that fails leaves the config as it is to be, and says so", async () => {
    writeFileSync(file("fails"), "");
    const { exitCode, stderr } = await lvs("maintenance", "on", "web2", "--yes");
    expect([exitCode, stderr]).toEqual([
      1,
      "lvs: pulumi up failed; the config has web2 in maintenance: pulumi up tries again\n",
    ]);
  });

  // The stand-in does as the engine does: on Ctrl-C it ends its current work and reports that it
  // was interrupted.
  const isCutOff = (what: string) =>
    [
      `trap 'sleep 0.3; echo "${what} ended late" >>"${file("calls")}"; echo cut off; exit 255' INT`,
      `echo "${what} is at it"; i=0; while [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done`,
    ].join("; ");

  const onTerminal = (cue: string) =>
    stack.lvsOnTerminal({ cue, answer: "\x03" }, "maintenance", "on", "web2", "--yes");

  test("a Ctrl-C in the preview leaves the config as it was, once the engine has ended", async () => {
    stack.changeProgram("bin/pulumi", 'echo "the preview"', isCutOff("the preview"));
    const { exitCode, stdout } = await onTerminal("the preview is at it");
    expect(stdout).toContain("cut off");
    expect(stdout).toContain("lvs: interrupted; the config is as it was");
    expect(exitCode).toBe(130);
    expect(stack.calls().slice(-3)).toEqual([
      "preview --diff",
      "the preview ended late",
      "config rm --path lvs-ha:maintenance[0]",
    ]);
  });

  test("a Ctrl-C in the change waits for the engine, and says what the config has", async () => {
    stack.changeProgram("bin/pulumi", 'echo "pulumi up was here"', isCutOff("the up"));
    const { exitCode, stdout } = await onTerminal("the up is at it");
    expect(stdout).toContain(
      "lvs: interrupted; the config has the change, which pulumi up goes on with",
    );
    expect(exitCode).toBe(130);
    expect(done()).toContain("the up ended late");
    expect(done().filter((call) => call.startsWith("config rm"))).toEqual([]);
  });

  test("--json tells what became of it, and the engine speaks on the other stream", async () => {
    for (const name of ["lvs1", "lvs2"]) stack.says(name, weightOfWeb2(0), "after");
    const on = await lvs("maintenance", "on", "web2", "--yes", "--json");
    expect([on.exitCode, JSON.parse(on.stdout)]).toEqual([
      0,
      { host: "web2", maintenance: "on", applied: true, problem: null },
    ]);
    expect(on.stderr).toContain("the preview\npulumi up was here\n● web2 gets no new connections");
    writeFileSync(file("fails"), "");
    const fails = await lvs("maintenance", "on", "web2", "--yes", "--json");
    expect([fails.exitCode, JSON.parse(fails.stdout)]).toEqual([
      1,
      {
        host: "web2",
        maintenance: "on",
        applied: false,
        problem: "pulumi up failed; the config has web2 in maintenance: pulumi up tries again",
      },
    ]);
  });

  test("a preview that fails leaves the config as it was", async () => {
    stack.changeProgram("bin/pulumi", 'echo "the preview"', "exit 1");
    stack.configure(["lvs2", "web1", "web2"]);
    const { exitCode } = await lvs("maintenance", "off", "web1", "--yes");
    stack.configure(undefined);
    const on = await lvs("maintenance", "on", "web1", "--yes");
    expect([exitCode, on.exitCode]).toEqual([3, 3]);
    expect(done().filter((call) => call.startsWith("config"))).toEqual([
      "config rm --path lvs-ha:maintenance[1]",
      "config rm lvs-ha:maintenance",
      "config set --path lvs-ha:maintenance[0] web1",
      "config set --path lvs-ha:maintenance[1] web1",
      "config set --path lvs-ha:maintenance[2] web2",
    ]);
  });

  test("a host or a word that isn't there is a mistake", async () => {
    const { exitCode, stderr } = await lvs("maintenance", "on", "web9", "--yes");
    expect([exitCode, stderr]).toEqual([
      2,
      "lvs: no host web9 in the config; it has lvs1, lvs2, web1, web2, web3\n",
    ]);
    expect((await lvs("maintenance", "maybe", "web1", "--yes")).exitCode).toBe(2);
    expect(done()).toEqual([]);
  });
});
