// How each host script makes a change: alone, completely, synced to disk before it counts, readable
// by root only if secret, and to its end.
import { chmodSync, cpSync } from "node:fs";
import { join } from "node:path";
import type { PretendHost } from "./host";
import { apply, look, parts, run } from "./parts";

/** The programs that watch.sh wraps. */
const watched = ["chmod", "chown", "flock", "mv", "stat", "sync"];

function watch(host: PretendHost): void {
  for (const name of watched) {
    cpSync(join(__dirname, "watch.sh"), join(host.folder, "bin", name));
    chmodSync(join(host.folder, "bin", name), 0o755);
  }
  for (const name of ["careless", "strange", "synced", "unsynced"]) host.write(`/tmp/${name}`, "");
}

/**
 * Another process holds the lock until a script waits for it. The host's state at that time is kept
 * under a name.
 */
const othersHaveLock = (name: string) => [
  `echo ${name} >asking`,
  "mkfifo held release",
  "(exec 9>/run/lvs-ha.lock; PATH=${PATH#*:} flock 9; echo >held; read -r _ <release) </dev/null >/dev/null 2>&1 &",
  "read -r _ <held",
  "rm held",
];

/** A pipe without a reader, as file descriptor 7: the SSH connection has lost its reader. */
const brokenPipe = ["mkfifo pipe", ": <pipe &", "exec 7>pipe", "wait"];

/** Every file made since the mark. */
const made = "find /etc -type f -newer mark ! -name ssh-clients.nft";

/** Makes no change here, because the version is already installed. */
const withoutLock = ["version.sh"];

describe("while another change has the lock, nobody reads any more, and the connection hangs up,", () => {
  const cases = Object.entries(parts).flatMap(([script, part]) => {
    const [changes] = Object.values(part.changes);
    const before = Object.values(part.before).at(-1);
    const [change] = changes ?? [];
    return change && before ? [[script, part, before, change] as const] : [];
  });

  test.each(cases)(
    "%s waits, then changes everything with care, mends modes and owners, and undoes it",
    (script, part, before, change) => {
      const locks = !withoutLock.includes(script);
      const { looks, files } = run(part, before, (host) => {
        watch(host);
        const applies = `${apply(host, script, "lvs1", change)} 2>&7`;
        return [
          "cd $FOLDER/tmp",
          ": >careless",
          ...brokenPipe,
          "touch mark",
          ...(locks ? othersHaveLock("asked") : []),
          applies,
          look("applied"),
          `${made} -exec chmod 0777 {} +`,
          applies,
          look("mended"),
          `${made} -exec stat -c '%i %.9Y' {} + >strange`,
          applies,
          look("mended-again"),
          "find /etc -type f -exec stat -c '%i %.9Y' {} + | grep -xF -f strange | sed 's/^/still another user has: /' >>careless || :",
          "sed 's/^/its names are not on the disk: /' unsynced >>careless",
          ...(locks ? othersHaveLock("asked-again") : []),
          `$FOLDER/scripts/${script} undo lvs1 2>&7`,
          look("after"),
        ];
      });
      const careless = files.careless?.split("\n").filter((line) => line !== "") ?? [];
      expect(
        careless.filter((line) => locks || !line.startsWith("changed without the lock")),
      ).toEqual([]);
      expect(looks.asked).toBe(locks ? looks.before : undefined);
      expect(looks.applied).not.toBe(looks.before);
      expect(looks.mended).toBe(looks.applied);
      expect(looks["mended-again"]).toBe(looks.applied);
      expect(looks["asked-again"]).toBe(locks ? looks.mended : undefined);
      expect(looks.after).toBe(looks.before);
    },
  );

  test("drain.sh waits, then changes the pool, and changes it back", () => {
    const place = "-t 192.0.2.100:80 -r 192.0.2";
    const conf = [
      "virtual_server 192.0.2.100 80 {",
      "    lvs_sched rr",
      "    lvs_method DR",
      ...["21", "22"].flatMap((host) => [`    real_server 192.0.2.${host} 80 {`, "    }"]),
      "}",
    ];
    const table = [
      "-A -t 192.0.2.100:80 -s rr",
      `-a ${place}.21:80 -g -w 1`,
      `-a ${place}.22:80 -g -w 1`,
    ];
    const { looks, files } = run({ before: {}, changes: {} }, [], (host) => {
      host.write("/etc/keepalived/keepalived.conf", `${conf.join("\n")}\n`);
      host.write("/systemd/active/keepalived.service", "active\n");
      host.write("/ipvs/table", `${table.join("\n")}\n`);
      host.write("/run/lvs-ha-leases/ours", "");
      watch(host);
      return [
        "exec 6>/run/lvs-ha-leases/ours",
        "cd $FOLDER/tmp",
        ...brokenPipe,
        ...othersHaveLock("asked"),
        "flock 6",
        "$FOLDER/scripts/drain.sh suspend ours 1 0 192.0.2.21 2>&7",
        "exec 6>&-",
        look("drained"),
        ...othersHaveLock("asked-again"),
        "$FOLDER/scripts/drain.sh undrain 192.0.2.21 2>&7",
      ];
    });
    expect(files.careless).toBe("");
    expect(looks.asked).toBe(looks.before);
    expect(looks.drained).toContain(`ipvs/table:-a ${place}.21:80 -g -w 0\n`);
    expect(looks["asked-again"]).toBe(looks.drained);
  });
});
