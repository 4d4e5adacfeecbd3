// Who is active for a virtual address while something is done: on the directors, by their kernels' own messages, and on the wire.
import { ownerOf } from "../../lab/topology";
import { lab, listen, networks } from "./lab";
import { directors } from "./pools";
import { shell } from "./stack";

/** Who was active meanwhile; more than one is either a move or two at one time. */
export interface Active {
  /** By virtual address, the directors that have had it. */
  held: Record<string, string[]>;
  /** By virtual address, whose MAC address has claimed it, by ARP or by neighbour advertisements. */
  claimed: Record<string, string[]>;
  /** By virtual router ID, who has sent adverts other than the one of an orderly stop. */
  advertised: Record<string, string[]>;
}

const notes = "/run/lab-active";

/** Looks at these addresses until it is told to end. */
export async function watchActive(
  addresses: readonly string[],
): Promise<{ end(): Promise<Active> }> {
  const wire = await listen(networks.public.bridge, [
    ...["--immediate-mode", "-e", "-l", "-v"],
    "ip proto 112 or ip6 proto 112 or arp or (icmp6 and ip6[40] = 136)",
  ]);
  for (const name of directors) {
    await shell(
      name,
      `systemd-run --quiet --collect --unit=lab-active sh -c 'exec ip -oneline monitor address >${notes}' &&
        while [ ! -e ${notes} ]; do sleep 0.1; done; ip -oneline address >>${notes}.first`,
    );
  }
  return {
    end: async () => {
      const seen = await Promise.all(
        directors.map(async (name) => ({
          name,
          lines: (
            await shell(
              name,
              `systemctl stop lab-active; cat ${notes}.first ${notes}; rm ${notes}.first ${notes}`,
            )
          ).split("\n"),
        })),
      );
      const held = Object.fromEntries(
        addresses.map((address) => [
          address,
          seen
            .filter(({ lines }) =>
              lines.some((line) => !line.startsWith("Deleted") && line.includes(` ${address}/`)),
            )
            .map(({ name }) => name),
        ]),
      );
      return { held, ...onWire(await wire.end(), addresses) };
    },
  };
}

/** What the lines of `tcpdump -e -v` say. */
export function onWire(
  text: string,
  addresses: readonly string[],
): Pick<Active, "claimed" | "advertised"> {
  const claimed = new Map<string, Set<string>>(addresses.map((address) => [address, new Set()]));
  const advertised = new Map<string, Set<string>>();
  // With -v what is said of a packet goes on in indented lines.
  for (const packet of text.split(/\n(?=\S)/)) {
    const [, mac] = /^\S+ ([0-9a-f:]{17}) > /.exec(packet) ?? [];
    if (mac === undefined) continue;
    const from = ownerOf(lab.topology, mac)?.name ?? mac;
    const [, id, priority] = /Advertisement, vrid (\d+), prio (\d+)/.exec(packet) ?? [];
    if (id !== undefined) {
      if (priority === "0") continue;
      advertised.set(id, (advertised.get(id) ?? new Set()).add(from));
      continue;
    }
    const [, claim] = /(?:tell|Reply|tgt is) ([0-9a-f.:]+?)(?:,| is-at|$)/m.exec(packet) ?? [];
    if (claim !== undefined) claimed.get(claim)?.add(from);
  }
  const plain = (found: Map<string, Set<string>>) =>
    Object.fromEntries([...found].map(([key, from]) => [key, [...from]]));
  return { claimed: plain(claimed), advertised: plain(advertised) };
}

/** Of what was seen, what more than one director has done. */
export function severalActive({ held, claimed, advertised }: Active): string[] {
  return Object.entries({ held, claimed, advertised }).flatMap(([what, by]) =>
    Object.entries(by)
      .filter(([, names]) => names.length > 1)
      .map(([key, names]) => `${key} ${what} by ${names.join(" and ")}`),
  );
}
