// Who is let in, in the words of each back end.
import { renderDirectorFirewall, renderRealServerFirewall } from "../../components/render/firewall";
import { settingsOf, smallStack } from "../support/stacks";

/** Rules of lvs1's firewall, or of web1's, that name one of the words. */
function rules(
  change: Record<string, unknown>,
  backend: "ufw" | "nftables",
  words: RegExp,
  role: "director" | "real server" = "director",
): string[] {
  const settings = settingsOf({
    ...smallStack(),
    ...change,
    firewall: { allowFrom: ["10.9.0.0/24"], backend },
  });
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  const text =
    role === "director"
      ? renderDirectorFirewall(settings, director)
      : renderRealServerFirewall(settings, "web1");
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => words.test(line));
}

describe("an instance on an interface of its own", () => {
  const own = {
    vrrp: {
      instances: [
        { name: "VI_1", virtualRouterId: 51 },
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
    realServers: smallStack().realServers.map((realServer, i) => ({
      ...realServer,
      address: `198.51.100.2${i + 1}`,
    })),
    virtualServers: [
      { name: "first", address: "192.0.2.100/32", port: 80 },
      { name: "second", vrrpInstance: "VI_2", address: "198.51.100.100", port: 80 },
    ],
  };

  test("real servers let in what directors send from its addresses", () => {
    expect(rules(own, "ufw", /from (198|192|10\.10)/, "real server")).toEqual([
      "allow from 192.0.2.11",
      "allow from 10.10.0.11",
      "allow from 198.51.100.11",
      "allow from 192.0.2.12",
      "allow from 10.10.0.12",
      "allow from 198.51.100.12",
    ]);
  });

  test("directors let in the answers to checks that they send from its addresses", () => {
    expect(rules(own, "ufw", /from 198.51.100.100/)).toEqual([
      "allow from 198.51.100.100 port 80 to 198.51.100.11 proto tcp",
    ]);
  });
});
