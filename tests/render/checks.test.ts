// The path that checks take, and their effect on a weight.
import { renderKeepalived } from "../../components/render/keepalived";
import { settingsOf, smallStack } from "../support/stacks";

/** lvs1's keepalived.conf. */
function keepalivedConf(change: Record<string, unknown>): string {
  const settings = settingsOf({ ...smallStack(), ...change });
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  return renderKeepalived(settings, director, false);
}

test("a check asks for a virtual address from the director's address beside it", () => {
  const text = keepalivedConf({
    vrrp: {
      instances: [
        {
          name: "VI_2",
          virtualRouterId: 52,
          interface: "eth2",
          directors: {
            lvs1: { vrrpAddress: "198.51.100.11/24" },
            lvs2: { vrrpAddress: "198.51.100.12/24" },
          },
        },
      ],
    },
    virtualServers: [{ name: "second", address: "198.51.100.100", port: 80 }],
  });
  expect(text).toMatch(
    /connect_ip 198\.51\.100\.100\n +connect_port 80\n +bindto 198\.51\.100\.11\n/,
  );
});

test("a real server is asked by the way of each service that it is in", () => {
  const text = keepalivedConf({
    virtualServers: [
      { name: "direct", address: "192.0.2.100", port: 80 },
      { name: "tunnel", address: "192.0.2.101", port: 80, forwarding: "TUN" },
    ],
  });
  const marksOf = (address: string) =>
    [
      ...text.matchAll(new RegExp(`connect_ip ${address}\\n(?: +.*\\n){2} +fwmark (\\d+)`, "g")),
    ].map(([, mark]) => mark);
  const ways = new Map(
    [...text.matchAll(/^virtual_server fwmark (\d+) \{\n(?: +.*\n)*? +lvs_method (\w+)/gm)].map(
      ([, mark, method]) => [mark, method],
    ),
  );
  expect(marksOf("192.0.2.100").map((mark) => ways.get(mark))).toEqual(["DR", "DR"]);
  expect(marksOf("192.0.2.101").map((mark) => ways.get(mark))).toEqual(["TUN", "TUN"]);
});

test("a sense alone turns the weight that holds without it", () => {
  const text = keepalivedConf({
    scripts: { "chk.sh": "#!/bin/sh\nexit 0\n" },
    tracking: {
      files: [
        { name: "load", file: "/run/load", weight: -2 },
        { name: "spare", file: "/run/spare", reverse: true },
      ],
      scripts: [
        { name: "chk", script: "chk.sh", weight: 20 },
        { name: "fault", script: "chk.sh", reverse: true },
      ],
    },
    vrrp: {
      preempt: true,
      trackFiles: [{ name: "load", reverse: true }, { name: "spare" }],
      trackScripts: [
        { name: "chk", reverse: true },
        { name: "fault", reverse: true },
      ],
      trackInterfaces: [{ name: "eth0", reverse: true }],
    },
    virtualServers: [
      {
        name: "web",
        address: "192.0.2.100",
        port: 80,
        realServers: [
          { name: "web1", checks: [{ type: "file", trackFile: "load", reverse: true }] },
          { name: "web2", checks: [{ type: "file", trackFile: "spare", reverse: true }] },
        ],
      },
    ],
  });
  const blocks = (heading: string) =>
    [...text.matchAll(new RegExp(`^ *${heading} \\{\\n([^}]*)\\}`, "gm"))].map(([, lines = ""]) =>
      lines.trim().split(/\s*\n\s*/),
    );
  expect(blocks("track_file load")).toEqual([['file "/run/load"', "weight -2"]]);
  expect(blocks("track_file spare")).toEqual([['file "/run/spare"', "weight 1 reverse"]]);
  expect(blocks("track_file")).toEqual([["load weight -2 reverse", "spare"]]);
  expect(blocks("track_script")).toEqual([["chk weight 20 reverse", "fault weight 0 reverse"]]);
  expect(blocks("track_interface")).toEqual([["eth0 weight 0 reverse"]]);
  expect(blocks("FILE_CHECK")).toEqual([
    ["track_file load", "weight -2 reverse"],
    ["track_file spare", "weight 1 reverse"],
  ]);
});
