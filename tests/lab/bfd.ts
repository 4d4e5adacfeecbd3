// A real server that speaks BFD (RFC 5880) with the directors, like a router: with a keepalived
// that does nothing else.
import { findHost } from "./lab";
import { directors } from "./pools";
import { shell } from "./stack";

const unit = "lab-bfd";
const file = `/run/${unit}.conf`;

/** Installs keepalived for it. */
export async function installBfd(host: string): Promise<void> {
  await shell(
    host,
    "DEBIAN_FRONTEND=noninteractive apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends keepalived",
  );
}

/**
 * Starts BFD with these directors, until {@link stopBfd}. Five missing packets count as its death;
 * each is due `everyMs` milliseconds after the last.
 */
export async function startBfd(host: string, everyMs: number, to = directors): Promise<void> {
  const own = privateAddress(host);
  const config = to
    .map(
      (name) =>
        `bfd_instance ${name} {\n  neighbor_ip ${privateAddress(name)}\n  source_ip ${own}\n  min_rx ${everyMs}\n  min_tx ${everyMs}\n  multiplier 5\n}\n`,
    )
    .join("");
  // --vrrp: no health checks, and so no IPVS.
  const command = `systemd-run --quiet --collect --unit=${unit} keepalived --vrrp --dont-fork --use-file ${file}`;
  await shell(host, `cat >${file} && ${command}`, { input: config });
}

/** Stops BFD like a crash, without a last packet. */
export async function stopBfd(host: string): Promise<void> {
  await shell(host, `systemctl kill --signal=KILL ${unit}`);
}

const privateAddress = (name: string) => findHost(name).private.ipv4;
