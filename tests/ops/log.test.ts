// keepalived's log, newest line first, as 2.2.7 and 2.3.3 write it.
import { moveKey, parsePoolLog, parseVrrpLog } from "../../ops/log";

const log = (...lines: string[]) =>
  lines.map((line, i) => `${1795414400 - i}.500000 lvs1 Keepalived_x[26]: ${line}\n`).join("");

test("an instance is what its latest change made it, since then", () => {
  const latest = parseVrrpLog(
    log(
      "(VI_2) Entering FAULT STATE",
      "(VI_1) Entering MASTER STATE",
      "(VI_1) Entering BACKUP STATE (init)",
      "Starting VRRP child process, pid=26",
      "(VI_3) Entering MASTER STATE",
    ),
  );
  expect([...latest]).toEqual([
    ["VI_2", { state: "FAULT", at: 1795414400.5 }],
    ["VI_1", { state: "MASTER", at: 1795414399.5 }],
  ]);
});

test("what a keepalived that has stopped once was doesn't count", () => {
  expect(
    parseVrrpLog(log("Stopped Keepalived v2.3.3 (03/30,2025)", "(VI_1) Entering MASTER STATE")),
  ).toEqual(new Map());
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
  // A mark's IPv6 service has no name of its own in the log.
  expect(out("FWM 1 IPv6", "192.0.2.21:0")).toBe(true);
});
