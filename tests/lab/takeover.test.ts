/**
 * Hosts that the cookbooks had, taken over by the stack and given back.
 *
 * @set slice 6
 * @topology dev
 * @budgetSeconds 200
 */
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import { activeDirector, directors, onHost, realServers, requests, virtualIp } from "./lab";
import { example } from "../support/examples";
import { configure, everywhere, pulumi, shell, up } from "./stack";
import { underLoad } from "./underLoad";

test("a pair that was built by hand as the cookbook builds it is taken over: nothing lost, and destroy gives it back", async () => {
  const { exitCode } = await pulumi("destroy", "--yes");
  expect(exitCode).toBe(0);
  configure((stack) => {
    const { virtualServers, vrrp, kernel } = example("cookbook");
    Object.assign(stack, { virtualServers, vrrp, kernel, rollout: { maxUnavailable: 2 } });
    for (const service of stack.virtualServers) {
      service.address = virtualIp.ipv4;
      // A real server that changes is in again once its checks have had a round, which the cookbook has last 20 s.
      service.delayLoopSeconds = 3;
      delete service.realServers;
    }
  });
  await pulumi("config", "set", "--secret", "lvs-ha:vrrpAuthPass", "grr02");
  const ipv6 = await ipv6Addresses();
  await layDownCookbook();
  await waitFor(activeDirector, { what: "the pair built by hand serves", timeoutSeconds: 30 });
  const files = await everywhere(cookbookFiles);
  const result = await underLoad({ rate: 100, seconds: 580 }, async () => {
    await up();
  });
  expect(result).toMatchObject({ lost: 0 });
  const givenBack = await underLoad({ rate: 100, seconds: 580 }, async () => {
    const { exitCode: ended, stdout, stderr } = await pulumi("destroy", "--yes");
    expect([ended, ended === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
    expect(await everywhere(cookbookFiles)).toEqual(files);
    await waitFor(activeDirector, { what: "the pair built by hand serves", timeoutSeconds: 30 });
    await delay(3000);
  });
  expect(givenBack).toMatchObject({ lost: 0 });
  expect(await requests()).toMatchObject({ answered: 60 });
  await removeCookbook();
  // The cookbook switches IPv6 off, on which the kernel forgets its addresses; destroy has switched it on again.
  await everywhere("systemctl restart networking");
  expect(await ipv6Addresses()).toEqual(ipv6);
});

const ipv6Addresses = () =>
  everywhere("ip -6 -o addr show scope global | awk '{ print $2, $4 }' | sort");

/** What the cookbooks lvs01 and lvs-web01 put where. */
const cookbookFiles =
  "cat /etc/keepalived/keepalived.conf /etc/network/interfaces.d/lo1 /etc/sysctl.d/99-cookbook.conf 2>/dev/null; systemctl is-active keepalived 2>/dev/null; systemctl is-enabled keepalived 2>/dev/null; true";

async function layDownCookbook(): Promise<void> {
  const conf = (priority: number) => `vrrp_instance VI_1 {
    state BACKUP
    interface eth1
    virtual_router_id 51
    priority ${priority}
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass grr02
    }
    virtual_ipaddress {
        ${virtualIp.ipv4}
    }
}

virtual_server ${virtualIp.ipv4} 80 {
    delay_loop 3
    lb_algo rr
    lb_kind DR
    protocol TCP
${realServers
  .map(
    ({ public: { ipv4 } }) => `    real_server ${ipv4} 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
        }
    }
`,
  )
  .join("")}}
`;
  await Promise.all([
    ...directors.map(({ name }, i) =>
      onHost(
        name,
        "cat >/etc/keepalived/keepalived.conf; echo net.ipv4.ip_forward=1 >/etc/sysctl.d/99-cookbook.conf; sysctl -q -p /etc/sysctl.d/99-cookbook.conf; systemctl -q enable --now keepalived",
        { input: conf(150 - 10 * i) },
      ),
    ),
    ...realServers.map(({ name }) =>
      shell(
        name,
        [
          "for k in lo all; do echo net.ipv4.conf.$k.arp_ignore=1; echo net.ipv4.conf.$k.arp_announce=2; done >/etc/sysctl.d/99-cookbook.conf",
          "sysctl -q -p /etc/sysctl.d/99-cookbook.conf",
          `printf 'auto lo:1\\niface lo:1 inet static\\n    address ${virtualIp.ipv4}\\n    netmask 255.255.255.255\\n' >/etc/network/interfaces.d/lo1`,
          "ifup lo:1",
        ].join(" && "),
      ),
    ),
  ]);
}

async function removeCookbook(): Promise<void> {
  await Promise.all([
    ...directors.map(({ name }) =>
      shell(
        name,
        "systemctl -q disable --now keepalived; rm /etc/keepalived/keepalived.conf /etc/sysctl.d/99-cookbook.conf; sysctl -q net.ipv4.ip_forward=0",
      ),
    ),
    ...realServers.map(({ name }) =>
      shell(
        name,
        "ifdown lo:1; rm /etc/network/interfaces.d/lo1 /etc/sysctl.d/99-cookbook.conf; for k in lo all; do sysctl -q net.ipv4.conf.$k.arp_ignore=0 net.ipv4.conf.$k.arp_announce=0; done",
      ),
    ),
  ]);
}
