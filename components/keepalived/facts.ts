// What keepalived does by itself, and where the stack's files for it are.
import type { Family, StackConfig } from "../schema";

/** Where auth_pass lives: a file of its own, so that keepalived.conf stays readable in a preview. */
export const secretsPath = "/etc/keepalived/lvs-ha-secrets.conf";

/** Where adverts go that are not unicast, unless the config says otherwise: RFC 5798, 5.1.1.2 and 5.1.2.2. */
export const vrrpGroups: Record<Family, string> = { inet: "224.0.0.18", inet6: "ff02::12" };

/**
 * Seconds that an instance's interface may be down unseen: check_debounce_timers() in keepalived's vrrp.c, which takes what is left of
 * them without a word where the config says more.
 */
export function longestDelay({
  advertIntervalSeconds: interval,
  downTimerAdverts = 3,
}: Pick<StackConfig["vrrp"], "advertIntervalSeconds" | "downTimerAdverts">): number {
  return Math.floor(1000 * interval * Math.max(0, downTimerAdverts - 1 - 1 / 256) + 1e-6) / 1000;
}
