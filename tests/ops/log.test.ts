// keepalived's log, newest line first, as 2.2.7 and 2.3.3 write it.
import { knowsStart, moveKey, parsePoolLog, parseVrrpStates } from "../../ops/log";

const log = (...lines: string[]) =>
  lines.map((line, i) => `${1795414400 - i}.500000 lvs1 Keepalived_x[26]: ${line}\n`).join("");

test("an instance is what keepalived has said of it last, which may be nothing", () => {
  const text =
    "1795414400.500000 FAULT VI_2\n1795414399.500000 MASTER VI_1\n1795414398.0 started\n";
  expect([...parseVrrpStates(text)]).toEqual([
    ["VI_2", { state: "FAULT", at: 1795414400.5 }],
    ["VI_1", { state: "MASTER", at: 1795414399.5 }],
  ]);
  expect([knowsStart(text), knowsStart("1795414400.5 FAULT started\n")]).toEqual([true, false]);
  expect(parseVrrpStates("")).toEqual(new Map());
});

test("a real server's latest move says whether it is out, in every kind of service", () => {
  const moves = parsePoolLog(
    log(
      "Adding service [192.0.2.21]:tcp:80 to VS [192.0.2.100]:tcp:80",
      "Removing service [192.0.2.22]:tcp:80 from VS [192.0.2.100]:tcp:80",
      "Removing service [192.0.2.21]:tcp:80 from VS [192.0.2.100]:tcp:80",
      "Disabling service [2001:db8::21]:udp:53 of VS [2001:db8::100]:udp:53",
      "Removing service [192.0.2.21]:none:0 from VS FWM 1",
      "Adding sorry server [192.0.2.99]:tcp:80 to VS [192.0.2.100]:tcp:80",
      "Starting Healthcheck child process, pid=25",
      "Removing service [192.0.2.23]:tcp:80 from VS [192.0.2.100]:tcp:80",
    ),
  );
  const out = (service: string, server: string) => moves.get(moveKey(service, server))?.out;
  expect(out("TCP 192.0.2.100:80", "192.0.2.21:80")).toBe(false);
  expect(out("TCP 192.0.2.100:80", "192.0.2.22:80")).toBe(true);
  expect(out("TCP 192.0.2.100:80", "192.0.2.23:80")).toBeUndefined();
  expect(out("UDP [2001:db8::100]:53", "[2001:db8::21]:53")).toBe(true);
  expect(out("FWM 1", "192.0.2.21:0")).toBe(true);
  expect(out("TCP 192.0.2.100:80", "192.0.2.99:80")).toBe(false);
  // The log doesn't distinguish a mark's IPv6 service from its IPv4 service.
  expect(out("FWM 1 IPv6", "192.0.2.21:0")).toBe(true);
});
