// Two that are active for one address are seen on the wire: lines of tcpdump as a lab's bridge had them, sent by one and by both.
import { onWire, severalActive, unseen } from "../lab/activeOnWire";

const vip = "192.0.2.100";
const vip6 = "2001:db8:0:2::100";

/** What a director sends, by what it claims. */
const packets = {
  "a unicast advert": (mac: string, priority = 140) =>
    [
      `17:18:53.672626 ${mac} > 02:00:00:00:01:0b, ethertype IPv4 (0x0800), length 46: (tos 0xc0, ttl 255, id 8, offset 0, flags [none], proto VRRP (112), length 32)`,
      `    192.0.2.12 > 192.0.2.11: VRRPv3, Advertisement, vrid 51, prio ${priority}, intvl 30cs, length 12, addrs: 169.254.255.51`,
    ].join("\n"),
  "a unicast advert of IPv6": (mac: string) =>
    `17:18:52.607032 ${mac} > 02:00:00:00:01:0b, ethertype IPv6 (0x86dd), length 78: (class 0xc0, flowlabel 0xf735d, hlim 64, next-header VRRP (112) payload length: 24) 2001:db8:0:2::12 > 2001:db8:0:2::11: VRRPv3, Advertisement, (ttl 64), vrid 56, prio 140, intvl 30cs, length 24, addrs: fe80::5eff:fe00:238`,
  "an ARP reply": (mac: string) =>
    `17:19:03.433939 ${mac} > ea:c6:d4:d5:2e:c8, ethertype ARP (0x0806), length 42: Ethernet (len 6), IPv4 (len 4), Reply ${vip} is-at ${mac}, length 28`,
  "a gratuitous ARP request": (mac: string) =>
    `17:18:52.607001 ${mac} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Ethernet (len 6), IPv4 (len 4), Request who-has ${vip} (ff:ff:ff:ff:ff:ff) tell ${vip}, length 28`,
  "a neighbour advertisement": (mac: string) =>
    [
      `17:18:52.608082 ${mac} > 33:33:00:00:00:01, ethertype IPv6 (0x86dd), length 86: (hlim 255, next-header ICMPv6 (58) payload length: 32) ${vip6} > ff02::1: [icmp6 sum ok] ICMP6, neighbor advertisement, length 32, tgt is ${vip6}, Flags [override]`,
      `\t  destination link-address option (2), length 8 (1): ${mac}`,
    ].join("\n"),
};

const see = (...lines: string[]) => ({
  held: {},
  ...onWire(lines.join("\n"), [vip, vip6], (mac) => `host ${mac.slice(-2)}`),
});

test.each(Object.entries(packets))("%s: one that sends it, and two", (_, packet) => {
  const [one, two] = ["02:00:00:00:01:0b", "02:00:00:00:01:0c"];
  expect(severalActive(see(packet(one), packet(one)))).toEqual([]);
  expect(severalActive(see(packet(one), packet(two)))).toEqual([
    expect.stringMatching(/ by host 0b and host 0c$/),
  ]);
});

test("who only asks for an address, or says that it goes, doesn't claim it", () => {
  const asks = packets["a gratuitous ARP request"]("02:00:00:00:01:17").replace(
    /tell [\d.]+/,
    "tell 192.0.2.23",
  );
  expect(see(asks).claimed).toEqual({ [vip]: [], [vip6]: [] });
  expect(see(packets["a unicast advert"]("02:00:00:00:01:0b", 0)).advertised).toEqual({});
});

test("a watch that has seen nothing says so", () => {
  expect(unseen(see(""), [vip])).toEqual([vip, "adverts of two virtual routers"]);
});
