// keepalived's built-in behaviour, and the paths of the stack's files for it.
import type { Family, StackConfig } from "../schema";

/** The file with auth_pass: separate, so that keepalived.conf stays readable in a preview. */
export const secretsPath = "/etc/keepalived/lvs-ha-secrets.conf";

/** Default destinations of multicast adverts: RFC 5798, 5.1.1.2 and 5.1.2.2. */
export const vrrpGroups: Record<Family, string> = { inet: "224.0.0.18", inet6: "ff02::12" };

/**
 * How many seconds an instance's interface may be down unnoticed: check_debounce_timers() in
 * keepalived's vrrp.c, which silently lowers a larger value.
 */
export function longestDelay({
  advertIntervalSeconds: interval,
  downTimerAdverts = 3,
}: Pick<StackConfig["vrrp"], "advertIntervalSeconds" | "downTimerAdverts">): number {
  return Math.floor(1000 * interval * Math.max(0, downTimerAdverts - 1 - 1 / 256) + 1e-6) / 1000;
}
