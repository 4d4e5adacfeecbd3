// A killed change of keepalived's config, followed by something other than its own next run.
import { withEnd } from "../../components/render/files";
import {
  applied,
  apply,
  files,
  folder,
  host,
  keepalived,
  owner,
  running,
  type Config,
} from "./keepalivedHost";
import { atMoment, watch } from "./moments";

const journal = "/var/lib/lvs-ha/changes/keepalived.sh";
/** Traces that a finished change must not leave. */
const left = () =>
  host.shell("find /etc /var/lib/lvs-ha | grep -E 'lvs-ha-(before|new)|/changes/'").stdout;

/** The power fails when keepalived is told of this config. */
const cut: Config = { id: "cut", weight: 6, cut: true };

test("keepalived goes back to what is proven before it takes other secrets", () => {
  applied({ id: "first", secret: true });
  apply({ ...cut, secret: true, deaf: true });
  expect(running()).toBe("# cut");
  const { code, stderr } = host.script("secrets.sh", ["apply", owner], "auth_pass second\n");
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  expect([running(), left()]).toEqual(["# first", ""]);
});

test("what was killed before anything had changed goes with a run that finds nothing to do", () => {
  const first: Config = { id: "first" };
  applied(first);
  const second: Config = { id: "second" };
  watch(host);
  host.write("/tmp/input", withEnd(files(second)));
  const again = `$FOLDER/scripts/keepalived.sh apply ${owner} <$FOLDER/tmp/input`;
  // The second names exist, the mark does not.
  host.program("sync", [`case $1 in ${journal}/files.new) kill -9 $PPID ;; esac`]);
  expect(host.shell(atMoment(again, 99_999, "kill")).code).toBe(137);
  host.program("sync", []);
  expect([running(), left()]).toEqual(["# first", expect.stringContaining("lvs-ha-before")]);
  expect(applied(first).stderr).toContain("config unchanged");
  expect(left()).toBe("");
});

test("a director in maintenance is not started by the boot, which has that on its list", () => {
  apply({ id: "first" }, "stopped");
  apply({ id: "cut", cut: true });
  expect([host.read("/systemd/enabled/keepalived.service"), running()]).toEqual(["\n", "# cut"]);
  host.shell("rm $FOLDER/tmp/told; rm -f $FOLDER/systemd/active/keepalived.service");
  expect(host.script("rollback.sh", ["boot"]).code).toBe(0);
  expect(running()).toBe("# first");
  expect(host.read("/tmp/told")).toBe("disable keepalived.service\nstop keepalived.service\n");
  // A later decision to start keepalived at boot is kept.
  host.shell("systemctl enable keepalived");
  expect(host.script("rollback.sh", ["boot"]).code).toBe(0);
  expect(host.read("/systemd/enabled/keepalived.service")).toBe("\n");
  // As before the change, and as now.
  apply({ id: "deaf", weight: 9, deaf: true });
  expect([running(), host.read("/systemd/enabled/keepalived.service"), left()]).toEqual([
    "# first",
    "\n",
    "",
  ]);
});

test.each([
  ["a change", () => apply({ id: "second" })],
  ["rollback.sh", () => host.script("rollback.sh", [])],
])("%s that can't put back everything leaves no scratch behind", (_, goesBack) => {
  applied({ id: "first" });
  apply(cut);
  keepalived("[ $1 = --config-test ] || exit 1");
  const scratch = () => host.shell("ls $FOLDER/tmp | grep '^lvs-ha[.]'").stdout;
  const before = scratch();
  expect(goesBack().stderr).toContain("not everything could be put back");
  expect([running(), scratch()]).toEqual(["# first", before]);
});

test("a version without journals was killed: it is put back, too", () => {
  applied({ id: "first" });
  host.shell(
    [
      `cp -p ${folder}/keepalived.conf ${folder}/keepalived.conf.lvs-ha-previous`,
      `echo '# half' >${folder}/keepalived.conf`,
      "echo 'enabled active' >/var/lib/lvs-ha/keepalived-unproven",
    ].join("\n"),
  );
  expect(host.script("rollback.sh", [])).toMatchObject({ code: 0 });
  expect([running(), left()]).toEqual(["# first", ""]);
});
