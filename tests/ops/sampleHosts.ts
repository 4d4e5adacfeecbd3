// Recorded hosts of the lab: a state left by pulumi up (without keys), and each host's answers at
// that time.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DirectorOutput } from "../../components/model";
import { type Answer, parseReport, type Section } from "../../ops/report";
import { type Stack, stackOf } from "../../ops/stack";

/** Reads a file in `samples`. */
export function sample(file: string): string {
  return readFileSync(join(__dirname, "samples", file), "utf8");
}

/** Two directors, lvs1 active, in front of web1, web2 and web3. */
export function sampleStack(): Stack {
  return stackOf(sample("state.json"));
}

/** The sample's stack, with changed models of its directors. */
export function stackWith(
  change: (model: DirectorOutput) => void,
  state = sample("state.json"),
): Stack {
  return stackOf(withModels(change, state));
}

/** The state with changed models of all directors, or of those named. */
export function withModels(
  change: (model: DirectorOutput) => void,
  state: string,
  names: readonly string[] = ["lvs1", "lvs2", "lvs3"],
): string {
  const parsed = JSON.parse(state) as State;
  for (const { urn, outputs } of parsed.deployment.resources) {
    if (!names.includes(/::pair-(lvs\d)$/.exec(urn)?.[1] ?? "") || !outputs?.model) continue;
    const before = JSON.stringify(outputs.model);
    change(outputs.model);
    if (JSON.stringify(outputs.model) === before) throw new Error(`${urn} does so already`);
  }
  return JSON.stringify(parsed);
}

export type Sections = Map<string, Section>;

/** A host's recorded answers, to be changed. */
export function sampleReport(name: string): Sections {
  if (name === "lvs3") return thirdReport(130);
  return new Map(parseReport(sample(`${name}.report`)));
}

interface State {
  deployment: { resources: { urn: string; outputs?: { model?: DirectorOutput } }[] };
}

/** The stack's state with a third director: lvs3 is a copy of lvs2 with another priority. */
export function stateOfThree(priority: number): string {
  const state = JSON.parse(sample("state.json")) as State;
  const { resources } = state.deployment;
  for (const resource of resources.filter(({ urn }) => /::pair-(ssh-)?lvs2\b/.test(urn))) {
    resources.push(JSON.parse(asThird(JSON.stringify(resource), priority)) as { urn: string });
  }
  return JSON.stringify(state);
}

/** lvs3's answers. */
export function thirdReport(priority: number): Sections {
  const sections = [...sampleReport("lvs2")].map(
    ([name, { status, text }]) => [name, { status, text: asThird(text, priority) }] as const,
  );
  return new Map(sections);
}

function asThird(text: string, priority: number): string {
  return text
    .replaceAll("lvs2", "lvs3")
    .replaceAll("10.10.0.12", "10.10.0.13")
    .replaceAll("192.0.2.12", "192.0.2.13")
    .replaceAll("priority 140", `priority ${priority}`)
    .replaceAll('"priority":140', `"priority":${priority}`);
}

/** Each host's answers, with a change. A host that `change` removes from the map is unreachable. */
export function sampleAnswers(
  change: (hosts: Map<string, Sections>) => void = () => undefined,
  { hosts } = sampleStack(),
): Map<string, Answer> {
  const reports = new Map(hosts.map(({ name }) => [name, sampleReport(name)]));
  change(reports);
  return new Map(
    hosts.map(({ name }) => {
      const report = reports.get(name);
      return [name, report ? { report } : { unreachable: "No route to host" }];
    }),
  );
}

/** One host's answers, to be changed. */
export function sectionsOf(hosts: Map<string, Sections>, name: string): Sections {
  const sections = hosts.get(name);
  if (sections === undefined) throw new Error(`no sample of ${name}`);
  return sections;
}

/** Changes the text of one answer, which must contain the text to replace. */
export function edit(
  sections: Sections,
  question: string,
  from: string | RegExp,
  to: string | ((found: string) => string),
): void {
  const section = sections.get(question);
  const text = section?.text.replace(from, to as (found: string) => string);
  if (section === undefined || text === undefined || text === section.text) {
    throw new Error(`the sample's answer to "${question}" has no ${String(from)}`);
  }
  sections.set(question, { ...section, text });
}

/** The virtual address in the output of `ip -j addr` on the active director, lvs1. */
export const virtualAddress =
  '{"family":"inet","local":"192.0.2.100","prefixlen":32,"scope":"global","protocol":"keepalived","label":"eth1","valid_life_time":4294967295,"preferred_life_time":4294967295}';

/** Removes the virtual address from lvs1's answers. */
export function takeAddress(sections: Sections): void {
  edit(sections, "addresses", `,${virtualAddress}`, "");
}

/** Adds the virtual address to lvs2's answers. */
export function giveAddress(sections: Sections): void {
  const own = '"addr_info":[{"family":"inet","local":"192.0.2.12"';
  edit(sections, "addresses", own, own.replace("[", `[${virtualAddress},`));
}

/** The answers that report.sh gives to each question. Answers about a file or a step name it. */
const answersTo: Record<string, (about: string) => string[]> = {
  host: () => [
    "now",
    "kernel",
    "system",
    "memory",
    "conntrack",
    "slabs",
    "addresses",
    "arp",
    "changed",
    "firewall",
  ],
  director: () => [
    "keepalived",
    "service keepalived.service",
    "ipvs",
    "ipvs-rates",
    "ipvs-daemons",
    "vrrp-states",
    "vrrp-metrics",
    "pool-log",
  ],
  "ipvs-rules": () => ["ipvs-rules", "ipvs-thresholds"],
};

/** A host's answers to these questions only. The host may lack some. */
export function answered(sections: Sections, questions: readonly string[]): Sections {
  const found: Sections = new Map();
  for (const question of questions) {
    const [, kind = "", about = ""] = /^([\w-]+)=?([^]*)$/.exec(question) ?? [];
    for (const name of answersTo[kind]?.(about) ?? [`${kind} ${about}`]) {
      found.set(name, sections.get(name) ?? { status: 1, text: "" });
    }
  }
  return found;
}

/** Replaces a "same" finding of a step's script by another finding. */
export function finds(sections: Sections, step: string, title: string, finding: Found): void {
  const text = (words: string) => `${words}\n`;
  const [verdict, first = "", second = ""] = finding;
  const lengths = [first, second].map((words) => Buffer.byteLength(words)).join(" ");
  const same = `same 0 0 ${title}\n\n\n`;
  // Finds the resource's script that reports it.
  const section = [...sections].find(
    ([name, answer]) => name.startsWith(`verify ${step} `) && answer.text.includes(same),
  )?.[0];
  if (section === undefined) throw new Error(`${step} has nothing that is called ${title}`);
  edit(
    sections,
    section,
    same,
    text(`${verdict} ${lengths} ${title}`) + text(first) + text(second),
  );
}

type Found =
  | [verdict: "missing" | "secret"]
  | [verdict: "differs", wanted: string, found: string]
  | [verdict: "unknown" | "note", words: string];

/** The text from which parseReport makes these answers. */
export function reportText(sections: Sections): string {
  const answers = [...sections].map(
    ([name, { status, text }]) => `${status} ${Buffer.byteLength(text)} ${name}\n${text}\n`,
  );
  return `${answers.join("")}0 0 end\n\n`;
}

/** One second after the samples were taken. */
export function sampleTime(): Date {
  const now = parseReport(sample("lvs1.report")).get("now")?.text ?? "";
  return new Date((Number(now) + 1) * 1000);
}
