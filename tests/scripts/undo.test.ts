// What each host script leaves when it is undone: the host as it was before, whatever that was and
// however often the stack changed it.
import { apply, ends, look, ownRule, parts, run } from "./parts";

/** Without the addresses that have brought a change: a failing change leaves those. */
const withoutNotes = (look = "") => look.replace(/^etc\/lvs-ha\/ssh-clients.*\n/gm, "");

describe("a step that goes, though not when an earlier owner of it goes,", () => {
  // The first and the last host get every change, the hosts between them one each.
  const cases = Object.entries(parts).flatMap(([script, part]) =>
    Object.entries(part.before).flatMap(([was, before], i, { length }) =>
      Object.entries(part.changes)
        .filter((_, j, all) => i === 0 || i === length - 1 || j === i % all.length)
        .map(([asked, changes]) => [script, was, asked, part, before, changes] as const),
    ),
  );

  test.each(cases)("%s, gives back %s (%s)", (script, _was, _asked, part, before, changes) => {
    const { said, looks } = run(part, before, (host) => [
      // With the last change, the stack's resource has a new name.
      ...changes.map((change, i) =>
        apply(host, script, i === changes.length - 1 ? "new" : "old", change),
      ),
      look("applied"),
      `$FOLDER/scripts/${script} undo old`,
      look("kept"),
      `$FOLDER/scripts/${script} undo new`,
      look("after"),
    ]);
    expect(said).toContain(": kept, it belongs to new now\n");
    expect(looks.kept).toBe(looks.applied);
    expect(looks.applied).not.toBe(looks.before);
    expect(looks.after).toBe(looks.before);
  });
});

describe("a change that fails when half of it is made", () => {
  const cases = Object.entries(parts).flatMap(([script, part]) => {
    const { before, fails } = part;
    const all = Object.entries(before);
    return fails === undefined
      ? []
      : all
          .filter((_, i) => i === 0 || i === all.length - 1)
          .map(([was, lines]) => [script, was, part, fails, lines] as const);
  });

  test.each(cases)(
    "by %s, leaves %s, later what the stack made of it, and gives all back when the stack goes",
    (script, _was, part, fails, before) => {
      const { looks } = run(part, before, (host) => {
        const failing = [fails.once, `! ${apply(host, script, "lvs1", fails)} || exit 9`];
        const good = Object.values(part.changes).at(-1) ?? [];
        return [
          ...failing,
          look("failed"),
          ...good.map((change) => apply(host, script, "lvs1", change)),
          look("made"),
          ...failing,
          look("failed-again"),
          `$FOLDER/scripts/${script} undo lvs1`,
          look("after"),
        ];
      });
      expect(withoutNotes(looks.failed)).toBe(withoutNotes(looks.before));
      expect(looks.made).not.toBe(looks.failed);
      expect(withoutNotes(looks["failed-again"])).toBe(withoutNotes(looks.made));
      expect(looks.after).toBe(looks.before);
    },
  );
});

test("a firewall's back end leaves nothing to the next one", () => {
  const part = parts["firewall.sh"];
  if (!part) throw new Error("no firewall.sh");
  const { looks } = run(part, [ownRule], (host) => {
    const made = (end: keyof typeof ends) => apply(host, "firewall.sh", "lvs1", ends[end]);
    return (["ufw", "both", "nftables"] as const).flatMap((end, _i, all) => [
      ...all.flatMap((earlier) => [
        ...(earlier === end ? [] : [made(earlier)]),
        made(end),
        look(`${end}-after-${earlier}`),
        "$FOLDER/scripts/firewall.sh undo lvs1",
      ]),
    ]);
  });
  for (const [name, seen] of Object.entries(looks)) {
    const [end = ""] = name.split("-after-");
    if (end in ends) expect(`${name}: ${seen}`).toBe(`${name}: ${looks[`${end}-after-${end}`]}`);
  }
  expect(Object.keys(looks)).toHaveLength(10);
});
