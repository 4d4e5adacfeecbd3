// A change of checks is proven once the checks have had time for a verdict.
import {
  active,
  applied,
  apply,
  conf,
  files,
  folder,
  host,
  owner,
  running,
  script,
  table,
  type Config,
} from "./keepalivedHost";
import { withData } from "./parts";

describe("a check that has changed", () => {
  const ups = () => Number.parseInt(host.read("uptime") ?? "", 10) - 100;
  /** From the first wait on, keepalived's checks take every real server out. */
  const allFail = (more = "") => {
    host.sleeps(1, [`sed -i '/^-a/d' "$FOLDER/ipvs/table"; ${more || ":"}`]);
  };

  beforeEach(() => {
    applied({ id: "first", page: "/" });
    host.sleeps(1);
  });

  test("is none where a real server is added: nobody waits for its checks", () => {
    const lines = conf({ id: "second", page: "/" });
    const at = lines.findIndex((line) => line.startsWith("    real_server"));
    const another = lines.slice(at, -1).map((line) => line.replace(".21", ".22"));
    const text = withData(lines.toSpliced(at, 0, ...another));
    expect(host.script("keepalived.sh", ["apply", owner], text).code).toBe(0);
    expect(ups()).toBe(9);
  });

  test("has its say before the change is proven", () => {
    applied({ id: "second", page: "/health" });
    expect(ups()).toBe(13);
  });

  test("has a minute for that, and no more", () => {
    const text = files({ id: "second", page: "/health" }).replace(
      "connect_timeout 3",
      "connect_timeout 300",
    );
    expect(host.script("keepalived.sh", ["apply", owner], text).code).toBe(0);
    expect(ups()).toBe(60);
  });

  test("is one whose script has changed, too", () => {
    const page = `${folder}/lvs-ha-scripts/probe`;
    applied({ id: "second", page, scripts: { probe: script("old") } });
    const before = ups();
    applied({ id: "second", page, scripts: { probe: script("new") } });
    expect(ups() - before).toBe(13);
  });

  test("is taken back when it leaves a virtual server nobody", () => {
    allFail();
    const { code, stderr } = apply({ id: "second", page: "/wrong" });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "every real server fails the checks that have changed, of: -t 192.0.2.100:80",
    );
    expect([running(), ups() < 13]).toEqual(["# first", true]);
  });

  test("is so, too, when a sorry server answers instead", () => {
    allFail(`echo "${table[1]?.replace(".21", ".99")}" >>"$FOLDER/ipvs/table"`);
    const sorry = (config: Config) =>
      files(config).replace("    delay_loop", "    sorry_server 192.0.2.99 80\n    delay_loop");
    const { code } = host.script(
      "keepalived.sh",
      ["apply", owner],
      sorry({ id: "second", page: "/wrong" }),
    );
    expect([code, running()]).toEqual([1, "# first"]);
  });

  test("may fail where nobody was in before", () => {
    host.write("/ipvs/table", `${table[0]}\n`);
    allFail();
    applied({ id: "second", page: "/wrong" });
    expect(running()).toBe("# second");
  });

  test("may fail where keepalived was not running", () => {
    host.shell(`rm "$FOLDER${active}"`);
    allFail();
    applied({ id: "second", page: "/wrong" });
    expect([running(), ups()]).toEqual(["# second", 0]);
  });

  test("is judged by who was in before a run that was killed", () => {
    apply({ id: "cut", page: "/wrong", cut: true });
    host.write("/tmp/survives", "");
    host.write("/ipvs/table", `${table[0]}\n`);
    allFail();
    expect(apply({ id: "cut", page: "/wrong", cut: true }).code).toBe(1);
    expect(running()).toBe("# first");
  });

  test.each<[string, Partial<Config>]>([
    ["a weight", { weight: 3 }],
    ["a threshold", { uthreshold: 9 }],
    ["a comment", {}],
  ])("is none where %s has: that is proven at once", (_what, change) => {
    applied({ id: "second", page: "/", ...change });
    expect(ups()).toBe(change.uthreshold ? 1 : 0);
  });
});
