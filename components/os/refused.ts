// Systems that people have, and that the stack refuses: with the reason and the way.

interface RefusedSystem {
  /** As people call it: "Ubuntu 20.04". */
  title: string;
  /** What a config may call it. */
  names: string[];
  /** ID of /etc/os-release, and how its VERSION_ID begins. */
  id: string;
  version: string;
  /** What the stack can't do there, of "its". */
  why: string;
}

// Of 291 drawn stacks, 2.0.19 (Ubuntu 20.04) takes 3. Before 2.0.4 there is no --config-test at all.
const tooOld = "its keepalived is older than 2.1.5, the oldest that accepts what the stack writes";
const notYet = "it has dnf and firewalld, which the stack does not support yet";

const family = (
  [title, id, ...names]: [title: string, id: string, ...names: string[]],
  versions: string[],
  why: string,
): RefusedSystem[] =>
  versions.map((version) => ({
    title: `${title} ${version}`,
    names: [id, ...names].map((name) => `${name}${version}`),
    id,
    version,
    why,
  }));

export const refusedSystems: readonly RefusedSystem[] = [
  ...family(["Debian", "debian"], ["8", "9", "10"], tooOld),
  ...family(["Ubuntu", "ubuntu"], ["14.04", "16.04", "18.04", "20.04"], tooOld),
  ...family(["CentOS", "centos"], ["6", "7"], tooOld),
  ...family(["CentOS Stream", "centos", "centosstream", "stream"], ["8", "9", "10"], notYet),
  ...family(["RHEL", "rhel", "redhat"], ["8", "9", "10"], notYet),
  ...family(["Rocky Linux", "rocky", "rockylinux"], ["8", "9", "10"], notYet),
  ...family(["AlmaLinux", "almalinux", "alma"], ["8", "9", "10"], notYet),
  ...family(["Oracle Linux", "ol", "oracle", "oraclelinux"], ["8", "9", "10"], notYet),
];

/** What to do with a host of a system that is refused. */
export const wayOfRefused =
  "import its configuration first (lvs import), then reinstall the directors one by one with a system of docs/systems.md";

/** Why a value of `os` is refused, if it names one of them: "ubuntu2004", "ubuntu20.04", "Rocky Linux 9". */
export function refusal(os: unknown): string | undefined {
  if (typeof os !== "string") return undefined;
  const asked = bare(os);
  const found = refusedSystems.find(({ names }) => names.some((name) => bare(name) === asked));
  return (
    found && `is ${found.title}, which the stack does not support: ${found.why}; ${wayOfRefused}`
  );
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}
