// Which days a director's unattended upgrades have.
import type { DirectorSettings, Settings } from "../settings";

/**
 * What `upgrades.sh` is given: `2 4` for days whose number leaves 2 when divided by 4. Directors have them in turn, with a day between for
 * the reboot that an upgrade may ask for in its next night. Nothing where the host is left as it is.
 */
export function renderUpgrades(
  { directors, staggeredUpgrades }: Pick<Settings, "directors" | "staggeredUpgrades">,
  { name }: Pick<DirectorSettings, "name">,
): string {
  if (!staggeredUpgrades) return "";
  const place = directors.findIndex((director) => director.name === name);
  return `${2 * place} ${2 * directors.length}\n`;
}
