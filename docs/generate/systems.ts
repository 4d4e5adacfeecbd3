// docs/systems.md: which systems hosts can run, and what of each was proven.
import { proofs, type OsProfile } from "../../components/os/profile";
import { osNames, osProfiles } from "../../components/os/profiles";
import { refusedSystems, wayOfRefused } from "../../components/os/refused";

const meanings: Record<OsProfile["proven"], string> = {
  guests:
    "hosts of it, real ones with a kernel of their own, are set up by the stack and tried end to end: `npm run test:lab`",
  programs:
    "its own keepalived takes what the stack renders, and speaks VRRP by it, in network namespaces: `npm test`; no host of it was set up",
  goldens: "there are rendered files that a person has read; nothing of it was run",
};

/** The page. */
export function systemsPage(): string {
  return `${[
    "<!-- Made from components/os by `npm run docs`: edit that, not this. -->",
    "# Systems",
    `What a host runs is said by \`os\`, for all hosts or for each. Its preflight compares that with \`/etc/os-release\` before anything is
changed. To have another system here, see [adding-a-system.md](adding-a-system.md).`,
    table(
      ["`os`", "system", "recognised by", "keepalived", "proven by"],
      osNames.map((os) => {
        const { title, id, release, keepalived, proven } = osProfiles[os];
        return [`\`${os}\``, title, `${id} ${release}`, keepalived.version, proven];
      }),
    ),
    "## What was proven",
    proofs.map((proof) => `- **${proof}**: ${meanings[proof]}`).join("\n"),
    `Rows that only goldens prove are for those who can try them: what is known of these systems was read, not seen. Tell us what you
find, and how \`keepalived --version\` begins there.`,
    "## What directors can't have",
    `Any director can become the active one. So a pair of two systems has what both have: the older keepalived's keywords
([keepalived-versions.md](keepalived-versions.md)), and of the following what neither lacks. It is refused before a host is touched.`,
    table(
      ["system", "key", "because"],
      osNames.flatMap((os) => {
        const { title, lacksSchedulers, lacksFirewalls } = osProfiles[os];
        return [
          ...Object.entries(lacksSchedulers).map(([name, why]) => [
            title,
            `\`scheduler: ${name}\``,
            why,
          ]),
          ...Object.entries(lacksFirewalls).map(([name, why]) => [
            title,
            `\`firewall.backend: ${name}\``,
            why,
          ]),
        ];
      }),
    ),
    "## What the stack uses there",
    table(
      ["system", "keepalived's package", "packages of a director", "service", "its options"],
      osNames.map((os) => {
        const { title, keepalived, packages } = osProfiles[os];
        return [
          title,
          keepalived.package,
          packages.director.join(", "),
          keepalived.service,
          `\`${keepalived.optionsFile}\``,
        ];
      }),
    ),
    "Each back end of the firewall has a package more. A newer version of keepalived's package is as good, as long as it is the same release.",
    "## Refused systems",
    `These are recognised, in a config and on a host, and refused. The way out: ${wayOfRefused}.`,
    table(
      ["system", "because"],
      [...new Set(refusedSystems.map(({ why }) => why))].map((why) => [
        refusedSystems
          .filter((one) => one.why === why)
          .map(({ title }) => title)
          .join(", "),
        why,
      ]),
    ),
  ].join("\n\n")}\n`;
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
