// A failing change is undone even if its output has no reader, and even if the disk is full by
// then.
import { failures, type Failure } from "./failures";
import { apply, look, parts, run, type Part } from "./parts";

/** Where standard output and error go. */
const ends = {
  read: ">&2",
  unread: ">&7 2>&7",
  closed: ">&- 2>&-",
};

/** The host before and after a failing change. */
function taken({ script, made, fails, around }: Failure, end: keyof typeof ends, fills: boolean) {
  const part: Part = { ...parts[script], before: {}, changes: {}, around };
  const { looks, said } = run(part, [], (host) => [
    // /etc is a small file system here, so that it can be full.
    "cp -a /etc/. $FOLDER/tmp/etc",
    "mount -t tmpfs -o size=4m tmpfs $FOLDER/etc",
    "cp -a $FOLDER/tmp/etc/. $FOLDER/etc",
    "rm -r $FOLDER/tmp/etc",
    "mount --bind $FOLDER/etc /etc",
    apply(host, script, "lvs1", made),
    look("made"),
    // A pipe without a reader.
    "mkfifo $FOLDER/tmp/pipe",
    ": <$FOLDER/tmp/pipe &",
    "exec 7>$FOLDER/tmp/pipe",
    "wait $!",
    "rm $FOLDER/tmp/pipe",
    ": >$FOLDER/tmp/fails",
    ...(fills ? [": >$FOLDER/tmp/fills"] : []),
    "code=0",
    `${apply(host, script, "lvs1", fails)} ${ends[end]} || code=$?`,
    'echo "code $code" >&2',
    "rm -f /etc/full",
    look("failed"),
  ]);
  return { looks, code: /^code (.*)$/m.exec(said)?.[1], said };
}

/**
 * Removes what a failing change may leave, as in undo.test.ts, and what is random about a test
 * host.
 */
const shown = (look = "") =>
  look.replace(/^etc\/lvs-ha\/ssh-clients.*\n/gm, "").replace(/\/tmp\/lvs-ha-host-\w+/g, "");

describe.each(Object.entries(failures))("%s", (_what, failure) => {
  // The files that metrics.sh brings harm nothing.
  const undone = failure.script !== "metrics.sh";

  test("leaves the same, whether or not anybody reads what is said", () => {
    const read = taken(failure, "read", false);
    if (undone) expect(shown(read.looks.failed)).toBe(shown(read.looks.made));
    for (const end of ["unread", "closed"] as const) {
      const other = taken(failure, end, false);
      expect([end, shown(other.looks.failed)]).toEqual([end, shown(read.looks.failed)]);
      expect([end, other.code]).toEqual([end, read.code]);
    }
    expect(read.code).toBe("1");
  });

  if (undone) {
    test("leaves what was there before when the disk is full by then", () => {
      const { looks, code } = taken(failure, "unread", true);
      expect(shown(looks.failed)).toBe(shown(looks.made));
      expect(code).toBe("1");
    });
  }
});
