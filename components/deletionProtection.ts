// Deletion protection: what clients are connected to isn't taken from them by mistake. What changes is asked about here, before the first
// change; of a pair that goes, no program runs, and a command is undone first that refuses it (protect.sh).
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host/host";
import { bundle, scriptsHome, scriptsInTransit } from "./host/scripts";
import type { Session } from "./host/session";
import { ipvsPlaces } from "./render/ipvs";
import { withEnd } from "./render/files";
import type { Settings } from "./settings";

/** Keeps services from being taken from connected clients by a change. */
export class DeletionProtection {
  private readonly input: string;
  private answers?: Promise<PromiseSettledResult<string>[]>;
  /** What has been refused: the others are told shortly. */
  private refused = false;

  /** @param directors those that serve; their logins work when something is asked */
  constructor(
    settings: Pick<Settings, "virtualServers">,
    private readonly directors: readonly Session[],
  ) {
    this.input = withEnd(
      ipvsPlaces(settings)
        .map((place) => `${place}\n`)
        .join(""),
    );
  }

  /**
   * To be asked before each change of a host.
   * @throws pulumi.RunError when a virtual server with open connections would go, or all real servers that it has; or when no director
   * can be asked, unless the resource is new: there may be no directors yet
   */
  async check({ isNew }: { isNew: boolean }): Promise<void> {
    this.answers ??= Promise.allSettled(this.directors.map((director) => this.ask(director)));
    const answers = await this.answers;
    const told = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    const lost = mostOf(told.flatMap((text) => text.split("\n").filter((line) => line !== "")));
    if (lost.length > 0) {
      const isFirst = !this.refused;
      this.refused = true;
      throw new pulumi.RunError(
        isFirst ? refusal(lost) : "not changed either: deletion protection refuses this run",
      );
    }
    const failed = answers.find((answer) => answer.status === "rejected");
    if (!isNew && told.length === 0 && failed) throw failed.reason;
  }

  /** By a version of its own, whatever the director has. */
  private async ask(director: Session): Promise<string> {
    await director.run(["sh", "-s"], { input: bundle() });
    return director.run(["sh", `${scriptsInTransit()}/protect.sh`, "lost"], { input: this.input });
  }
}

/**
 * The command whose undoing refuses that the pair goes: the engine undoes it first, as it waits for all others. It stands as long as the
 * pair does, whoever its director is, and is run again where what it says differs.
 * @param after all that the pair is
 */
export function protect(
  name: string,
  { director, isOn }: { director: Host; isOn: boolean },
  after: pulumi.Input<pulumi.Resource>[],
  parent: pulumi.Resource,
): void {
  const owner = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
  const path = `${scriptsHome}/protect.sh`;
  director.aside(`${name}-deletion-protection`, [path, "claim", owner], {
    undo: [path, "release", owner, isOn ? "on" : "off", director.shortName],
    after,
    parent,
  });
}

/** Directors know of more or fewer connections to the same service: the most of each. */
function mostOf(lines: string[]): { service: string; connections: number }[] {
  const most = new Map<string, number>();
  for (const line of lines) {
    const [, count = "", service = ""] = /^(\d+) (.+)$/.exec(line) ?? [];
    most.set(service, Math.max(Number(count), most.get(service) ?? 0));
  }
  return [...most].map(([service, connections]) => ({ service, connections }));
}

function refusal(lost: { service: string; connections: number }[]): string {
  const each = lost.map(
    ({ service, connections }) =>
      `${service} (${connections} open connection${connections === 1 ? "" : "s"})`,
  );
  return [
    `deletion protection: nothing was changed. Clients would lose ${each.join(", ")}: the virtual server goes, or all of its real servers do.`,
    "Keep one of its real servers until those connections have ended, or allow it: pulumi config set lvs-ha:deletionProtection false",
  ].join(" ");
}
