// Assigns days for unattended upgrades to directors.
import type { DirectorSettings, Settings } from "../settings";

/**
 * The input of `upgrades.sh`: `2 4` means days whose number modulo 4 is 2. Directors take turns,
 * with a day between for the reboot that an upgrade may request in its next night. Empty if the
 * hosts' setting stays as it is.
 */
export function renderUpgrades(
  { directors, staggeredUpgrades }: Pick<Settings, "directors" | "staggeredUpgrades">,
  { name }: Pick<DirectorSettings, "name">,
): string {
  if (!staggeredUpgrades) return "";
  const place = directors.findIndex((director) => director.name === name);
  return `${2 * place} ${2 * directors.length}\n`;
}
