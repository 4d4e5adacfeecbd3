// Words of other programs in the stack config: the error gives the right word.
import { check } from "../components/config";
import { meantKey, meantValue } from "../components/otherWords";
import { raw, smallStack, type Stack } from "./support/stacks";

/** The hint in the single error: the text between the mistake and the list of known words. */
function hintOf(change: (stack: Stack) => void): string {
  const stack = smallStack();
  change(stack);
  const { errors } = check(raw(stack));
  expect(errors).toHaveLength(1);
  return errors[0]?.replace(/^.*?: unknown key; /, "").replace(/;? known here:.*$/, "") ?? "";
}

const inService = (key: string) =>
  hintOf((stack) => Object.assign(stack.virtualServers[0], { [key]: 1 }));
const inVrrp = (key: string) => hintOf((stack) => (stack.vrrp = { [key]: 1 }));
const inDirector = (key: string) =>
  hintOf((stack) => Object.assign(stack.directors[0], { [key]: 1 }));
const atTop = (key: string) => hintOf((stack) => Object.assign(stack, { [key]: 1 }));

test.each([
  // keepalived.conf(5)
  ["lb_algo", "did you mean scheduler?"],
  ["lvs_sched", "did you mean scheduler?"],
  ["lb_kind", "did you mean forwarding?"],
  ["lvs_method", "did you mean forwarding?"],
  ["delay_loop", "did you mean delayLoopSeconds?"],
  ["persistence_timeout", "did you mean persistenceTimeoutSeconds?"],
  ["virtualhost", "did you mean virtualHost?"],
  ["ha_suspend", "did you mean haSuspend?"],
  ["sorry_server", "did you mean sorryServer?"],
  ["real_server", "here it is realServers"],
  ["TCP_CHECK", "here it is one of checks, by its type"],
  ["ip_family", "the address says it"],
  // no unit
  ["delayLoop", "did you mean delayLoopSeconds?"],
  ["persistenceTimeout", "did you mean persistenceTimeoutSeconds?"],
  // HAProxy, nginx and others
  ["balance", "did you mean scheduler?"],
  ["algorithm", "did you mean scheduler?"],
  ["servers", "did you mean realServers?"],
  ["upstream", "did you mean realServers?"],
  ["healthcheck", "did you mean checks?"],
  ["vip", "did you mean address?"],
  ["persistence", "did you mean persistenceTimeoutSeconds?"],
])("%s of a virtual server: %s", (key, hint) => {
  expect(inService(key)).toBe(hint);
});

test.each([
  ["virtual_router_id", "did you mean virtualRouterId?"],
  ["vrid", "did you mean virtualRouterId?"],
  ["advert_int", "did you mean advertIntervalSeconds?"],
  ["advertInterval", "did you mean advertIntervalSeconds?"],
  ["preempt_delay", "did you mean preemptDelaySeconds?"],
  ["use_vmac", "did you mean vmac?"],
  ["garp_master_delay", "did you mean garp.masterDelaySeconds?"],
  ["notify_master", "did you mean notify.master?"],
  ["track_script", "did you mean trackScripts?"],
  ["track_interface", "did you mean trackInterfaces?"],
  ["nopreempt", "here it is preempt: false"],
  ["dont_track_primary", "here it is trackPrimaryInterface: false"],
  ["auth_pass", "the password is the secret lvs-ha:vrrpAuthPass"],
  ["unicast_peer", "here it is vrrp.unicast: true, for all directors"],
])("%s of vrrp: %s", (key, hint) => {
  expect(inVrrp(key)).toBe(hint);
});

test.each([
  ["state", "priority decides here which director is active"],
  ["interface", "here it is vrrp.interface, for all directors"],
  ["prio", "did you mean priority?"],
  ["ip", "did you mean host?"],
  ["maintenance", "it is a key elsewhere: lvs-ha:maintenance"],
])("%s of a director: %s", (key, hint) => {
  expect(inDirector(key)).toBe(hint);
});

test.each([
  ["virtual_server", "here it is virtualServers"],
  ["real_servers", "did you mean realServers?"],
  ["frontends", "did you mean virtualServers?"],
  ["scheduler", "it is a key elsewhere: virtualServers[].scheduler"],
  [
    "virtual_ipaddress",
    "here it is the address of each of virtualServers, and vrrp.virtualAddresses",
  ],
])("%s at the top: %s", (key, hint) => {
  expect(atTop(key)).toBe(hint);
});

test("what is known nowhere has no hint", () => {
  expect(meantKey("colour", ["name", "address"])).toBeUndefined();
  expect(meantValue("colour", ["rr", "wrr"])).toBeUndefined();
  // A short word resembles everything.
  expect(meantValue("xx", ["rr", "lc", "sh"])).toBeUndefined();
});

test.each<[string, (stack: Stack) => void, string]>([
  ["scheduler RR", (s) => (s.virtualServers[0].scheduler = "RR"), "; did you mean rr?"],
  ["leastconn", (s) => (s.virtualServers[0].scheduler = "leastconn"), "; did you mean lc?"],
  ["round_robin", (s) => (s.virtualServers[0].scheduler = "round_robin"), "; did you mean rr?"],
  ["forwarding dr", (s) => (s.virtualServers[0].forwarding = "dr"), "; did you mean DR?"],
  ["forwarding masq", (s) => (s.virtualServers[0].forwarding = "masq"), "; did you mean NAT?"],
  ["protocol tcp", (s) => (s.virtualServers[0].protocol = "tcp"), "; did you mean TCP?"],
  [
    "a check by keepalived's name",
    (s) => (s.virtualServers[0].checks = [{ type: "HTTP_GET" }]),
    "; did you mean http?",
  ],
  [
    "a port in quotes",
    (s) => Object.assign(s.virtualServers[0], { port: "80" }),
    "; write it without quotes",
  ],
  ["5s", (s) => Object.assign(s.virtualServers[0], { delayLoopSeconds: "5s" }), "; write 5"],
  ["300ms", (s) => (s.vrrp = { advertIntervalSeconds: "300ms" }), "; write 0.3"],
  ["root@host", (s) => (s.directors[0].host = "root@10.0.0.1"), "; the user has a key of its own"],
  ["host:22", (s) => (s.directors[0].host = "10.0.0.1:22"), "; the port has a key of its own"],
  ["host/24", (s) => (s.directors[0].host = "10.0.0.1/24"), "; write it without its prefix"],
])("%s is refused, and what is meant is said", (_, change, hint) => {
  const stack = smallStack();
  change(stack);
  const { errors } = check(raw(stack));
  expect(errors.map((error) => error.slice(-hint.length))).toContain(hint);
});
