/**
 * The stack goes, and the hosts are as they were before it.
 *
 * @set core
 * @topology dev
 * @budgetSeconds 80
 */
import { directors, lab } from "./lab";
import { footprints, untouched } from "./footprint";
import { configure, everywhere, nobodyAsks, pulumi, shell, up } from "./stack";

test("pulumi destroy puts the hosts back as they were", async () => {
  configure(nobodyAsks);
  await up();
  const { stdout, stderr, exitCode } = await pulumi("destroy", "--yes");
  expect([exitCode, exitCode === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
  expect(await footprints(lab)).toEqual(untouched(lab));
  expect(new Set(Object.values(await everywhere("ufw status 2>&1 | head -1")))).toEqual(
    new Set(["Status: inactive"]),
  );
  for (const { name } of directors) {
    expect(await shell(name, "ipvsadm -Sn; systemctl is-active keepalived || true")).toBe(
      "inactive",
    );
  }
});
