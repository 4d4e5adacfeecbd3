/**
 * Hosts that have a life of their own before the stack: keepalived, ufw and sysctls of the operator's. The stack goes, and they are
 * as they were.
 *
 * @set slice 3
 * @topology dev
 * @budgetSeconds 140
 */
import { activeDirector, requests, virtualIp } from "./lab";
import { configure, everywhere, nobodyAsks, pulumi, shell, up } from "./stack";

const own = "192.0.2.177";

/** A keepalived for another address, a firewall that is on with rules of its own, and kernel values in a file of their own. */
const ofOperator: Record<string, string> = {
  lvs2: `
set -e
cat >/etc/keepalived/keepalived.conf <<'END'
vrrp_instance OWN {
    state BACKUP
    interface eth1
    virtual_router_id 77
    priority 100
    virtual_ipaddress {
        ${own}
    }
}
END
systemctl -q enable --now keepalived
ufw allow 22/tcp >/dev/null
ufw allow from 10.10.0.0/24 to any port 8443 proto tcp >/dev/null
ufw --force enable >/dev/null
printf 'net.ipv4.ip_forward=1\nnet.ipv4.tcp_fin_timeout=33\n' >/etc/sysctl.d/50-own.conf
sysctl -q -p /etc/sysctl.d/50-own.conf`,
  web3: `
set -e
ufw allow 22/tcp >/dev/null
ufw allow 80/tcp >/dev/null
ufw --force enable >/dev/null
printf 'net.ipv4.tcp_fin_timeout=44\n' >/etc/sysctl.d/50-own.conf
sysctl -q -p /etc/sysctl.d/50-own.conf`,
};

/** What of that shows. */
const state = [
  "cat /etc/keepalived/keepalived.conf /etc/sysctl.d/50-own.conf 2>/dev/null",
  "ls /etc/sysctl.d",
  "systemctl is-enabled keepalived ufw 2>&1; systemctl is-active keepalived ufw 2>&1",
  "ufw status | sort; ufw show added | sort",
  "sysctl net.ipv4.ip_forward net.ipv4.tcp_fin_timeout net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.forwarding",
  "true",
].join("; ");

test("a host's own keepalived, ufw and sysctls are there again after destroy, on or off as they were", async () => {
  const gone = await pulumi("destroy", "--yes");
  expect(gone.exitCode).toBe(0);
  for (const [name, commands] of Object.entries(ofOperator)) await shell(name, commands);
  const before = await everywhere(state);
  expect(before.lvs2).toContain("active\n");
  configure(nobodyAsks);
  await up();
  await activeDirector();
  expect(await requests()).toMatchObject({ answered: 60 });
  expect(await shell("lvs2", "cat /etc/keepalived/keepalived.conf")).toContain(virtualIp.ipv4);
  const { exitCode, stdout, stderr } = await pulumi("destroy", "--yes");
  expect([exitCode, exitCode === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
  expect(await everywhere(state)).toEqual(before);
});
