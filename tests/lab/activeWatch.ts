// Watches which directors are active for virtual addresses during an action: by messages of their
// kernels, and on the wire.
import { ownerOf } from "../../lab/topology";
import { lab, listen, networks } from "./lab";
import { type Active, onWire } from "./activeOnWire";
import { directors } from "./pools";
import { shell } from "./stack";

const nameOf = (mac: string) => ownerOf(lab.topology, mac)?.name ?? mac;

const notes = "/run/lab-active";

/** Watches these addresses until it is ended. */
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
      return { held, ...onWire(await wire.end(), addresses, nameOf) };
    },
  };
}
