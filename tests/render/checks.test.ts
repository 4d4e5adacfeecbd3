// Which way checks go, and what they do to a weight.
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
