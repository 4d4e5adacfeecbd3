// The data that come with a config: the scripts use them, and parse keepalived.conf only if the
// data belong to another text.
import { directorDataPath } from "../../components/render/director";
import { renderFiles } from "../../components/render/files";
import { dataOf } from "./dataOf";
import { applied, apply, conf, folder, host, owner, told } from "./keepalivedHost";

const dataText = (...config: Parameters<typeof conf>) =>
  dataOf(conf(...config))
    .map((line) => `${line}\n`)
    .join("");

/** What the scripts think the config says; `read` if they parsed it. */
function wanted(): string[] {
  const lines = [
    `. ${host.scripts}/foreign.sh`,
    `. ${host.scripts}/ipvs.sh`,
    'read_ipvs() { echo "-A read"; sed -n "s/^ *weight /-a -w /p" "$1"; }',
    `wanted ${folder}/keepalived.conf`,
  ];
  return host.shell(lines.join("\n")).stdout.trimEnd().split("\n");
}

test("are there with it, and are what the scripts go by", () => {
  applied({ id: "first", weight: 5 });
  expect(host.read(directorDataPath)).toBe(dataText({ id: "first", weight: 5 }));
  expect(wanted()).toEqual([
    "-A -t 192.0.2.100:80 -s rr",
    "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 5",
    "-x -t 192.0.2.100:80 -r 192.0.2.21:80 0 0",
  ]);
});

test("say nothing of a config that was edited since", () => {
  applied({ id: "first", weight: 5 });
  host.write(
    `${folder}/keepalived.conf`,
    (host.read(`${folder}/keepalived.conf`) ?? "").replace("weight 5", "weight 7"),
  );
  expect(wanted()).toEqual(["-A read", "-a -w 7"]);
});

test.each([
  ["keepalived doesn't take", { deaf: true }],
  ["keepalived refuses", { refused: true }],
])("are those from before after a change that %s", (_, fails) => {
  applied({ id: "first", weight: 5 });
  expect(apply({ id: "second", weight: 6, ...fails }).code).toBe(1);
  expect(host.read(directorDataPath)).toBe(dataText({ id: "first", weight: 5 }));
  expect(wanted()).not.toContain("-A read");
  expect(host.shell("ls -A /etc/lvs-ha").stdout).toBe("director\n");
});

test("are of the config that is there, wherever a run is killed", () => {
  applied({ id: "first", weight: 5 });
  // The power fails when keepalived is told. The earlier files are beside the new ones.
  apply({ id: "second", weight: 6, cut: true });
  expect(wanted()).toContain("-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 6");
  host.shell(`mv ${folder}/.keepalived.conf.lvs-ha-before ${folder}/keepalived.conf`);
  expect(wanted()).toContain("-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 5");
});

test("are brought to a director of an earlier version without a reload, and go with the stack", () => {
  const config = { id: "first", weight: 5 };
  const withoutData = renderFiles({ [`${folder}/keepalived.conf`]: conf(config) });
  expect(host.script("keepalived.sh", ["apply", owner], withoutData).code).toBe(0);
  expect([host.read(directorDataPath), wanted()]).toEqual([undefined, ["-A read", "-a -w 5"]]);
  const before = told();
  applied(config);
  expect(told()).toEqual(before);
  expect(host.read(directorDataPath)).toBe(dataText(config));
  expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
  expect(host.read(directorDataPath)).toBeUndefined();
});

test("that were edited are mended without a reload", () => {
  applied({ id: "first", weight: 5 });
  const before = told();
  host.write(directorDataPath, dataText({ id: "first", weight: 5 }).replace("-w 5", "-w 9"));
  applied({ id: "first", weight: 5 });
  expect([host.read(directorDataPath), told()]).toEqual([
    dataText({ id: "first", weight: 5 }),
    before,
  ]);
});
