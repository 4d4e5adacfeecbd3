// The lab's hosts as they were once: a state that pulumi up left (keys taken out), and what each host said of itself then.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DirectorOutput } from "../../components/model";
import { type Answer, parseReport, type Section } from "../../ops/report";
import { type Stack, stackOf } from "../../ops/stack";

/** A file beside this one. */
export function sample(file: string): string {
  return readFileSync(join(__dirname, "samples", file), "utf8");
}

/** Two directors, lvs1 active, in front of web1, web2 and web3. */
export function sampleStack(): Stack {
  return stackOf(sample("state.json"));
}

/** The sample's stack, whose directors are to do something else. */
export function stackWith(
  change: (model: DirectorOutput) => void,
  state = sample("state.json"),
): Stack {
  return stackOf(withModels(change, state));
}

/** A state whose directors, or those of these names, are to do something else. */
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

/** What a host answered, to be changed. */
export function sampleReport(name: string): Sections {
  if (name === "lvs3") return thirdReport(130);
  return new Map(parseReport(sample(`${name}.report`)));
}

interface State {
  deployment: { resources: { urn: string; outputs?: { model?: DirectorOutput } }[] };
}

/** The stack's state with a third director: lvs3 is as lvs2 but for its priority. */
export function stateOfThree(priority: number): string {
  const state = JSON.parse(sample("state.json")) as State;
  const { resources } = state.deployment;
  for (const resource of resources.filter(({ urn }) => /::pair-(ssh-)?lvs2\b/.test(urn))) {
    resources.push(JSON.parse(asThird(JSON.stringify(resource), priority)) as { urn: string });
  }
  return JSON.stringify(state);
}

/** What lvs3 answers. */
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

/** What each host answered, with a change. A host that `change` takes out of the map is one that can't be reached. */
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

/** Changes the text of one answer; what is looked for must be in it. */
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

/** The virtual address as `ip -j addr` shows it on the active director, lvs1. */
export const virtualAddress =
  '{"family":"inet","local":"192.0.2.100","prefixlen":32,"scope":"global","protocol":"keepalived","label":"eth1","valid_life_time":4294967295,"preferred_life_time":4294967295}';

/** lvs1's answers without the virtual address. */
export function takeAddress(sections: Sections): void {
  edit(sections, "addresses", `,${virtualAddress}`, "");
}

/** lvs2's answers with it. */
export function giveAddress(sections: Sections): void {
  const own = '"addr_info":[{"family":"inet","local":"192.0.2.12"';
  edit(sections, "addresses", own, own.replace("[", `[${virtualAddress},`));
}

/** What report.sh answers to a question; a file, and a step that is verified, are named in theirs. */
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

/** A host's answers to these questions alone, of which it may not know some. */
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

/** Of what a step's script finds the same in the sample, it finds something else. */
export function finds(sections: Sections, step: string, title: string, finding: Found): void {
  const text = (words: string) => `${words}\n`;
  const [verdict, first = "", second = ""] = finding;
  const lengths = [first, second].map((words) => Buffer.byteLength(words)).join(" ");
  const same = `same 0 0 ${title}\n\n\n`;
  // Which of the resource's scripts it is of.
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

/** A report's text, of which parseReport makes these answers. */
export function reportText(sections: Sections): string {
  const answers = [...sections].map(
    ([name, { status, text }]) => `${status} ${Buffer.byteLength(text)} ${name}\n${text}\n`,
  );
  return `${answers.join("")}0 0 end\n\n`;
}

/** The moment at which the samples were taken, a second later. */
export function sampleTime(): Date {
  const now = parseReport(sample("lvs1.report")).get("now")?.text ?? "";
  return new Date((Number(now) + 1) * 1000);
}
