/**
 * Hosts that take logins through a bastion only, on SSH ports of their own, by a key with a passphrase.
 *
 * @set slice 6
 * @topology bastion
 * @budgetSeconds 200
 */
import { readFileSync, rmSync } from "node:fs";
import { labPath } from "../../lab/instance";
import { output } from "../../lab/run";
import { keyFile } from "../../lab/ssh";
import { activeDirector, hosts, inOperator, lab, requests } from "./lab";
import { done, healthy } from "./operatorCommands";

import { configure, pulumi, shell, up } from "./stack";

test("no host takes a login that does not come through the bastion", async () => {
  for (const { name, login, private: own } of hosts.filter((host) => host.role !== "bastion")) {
    const words = [
      ...["-F", "none", "-i", keyFile(lab), "-p", String(login.port), "-l", login.user],
      ...["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=5"],
      ...["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes"],
    ];
    const { exitCode, stderr } = await inOperator("ssh", [...words, own.ipv4, "true"]);
    expect([name, exitCode]).toEqual([name, 255]);
    expect(stderr).toContain("Permission denied");
  }
});

test("the load balancer that was put up through it serves, and fails over", async () => {
  await healthy();
  expect(await requests()).toMatchObject({ lost: 0, slow: 0 });
  const before = await activeDirector();
  await done("failover", "--yes");
  expect(await activeDirector()).not.toBe(before);
  expect(await done("verify")).toBeTruthy();
});

test("a change goes through it by a key that has a passphrase", async () => {
  const key = labPath(lab, "key_with_passphrase");
  const passphrase = "a passphrase of the lab";
  await output("cp", [keyFile(lab), key]);
  await output("ssh-keygen", ["-q", "-p", "-P", "", "-N", passphrase, "-f", key]);
  const secret = (name: string, value: string) =>
    pulumi("config", "set", "--secret", name, "--", value);
  configure((stack) => {
    // Without the deploy key every login is by the operator's.
    stack.ssh = { ...(stack.ssh as object), managedKey: false };
    stack.realServers[0].weight = 3;
  });
  await secret("sshPrivateKey", readFileSync(key, "utf8"));
  await secret("sshPrivateKeyPassphrase", passphrase);
  rmSync(key);
  await up();
  expect(await shell(await activeDirector(), "ipvsadm -Sn")).toMatch(/:80 -g -w 3$/m);
});
