// What must be so on a host: everything that the stack's steps put there, from what each was given.
import type { DirectorModel } from "../../components/model";
import type { LoopbackAddress } from "../../components/render/loopback";
import { CouldNotLook } from "../exit";
import { shortestForm, parseDaemons, type SyncDaemon } from "../ipvs";
import { type Report, linesOf, parsed, textOf } from "../report";
import type { StackHost, Step } from "../stack";
import { addressLines, filesOf, keepalivedConf } from "../steps";
import { interfaceAddresses, properties } from "../reportFacts";
import {
  drainedByChangeFile,
  drainedFile,
  leftDrained,
  liveTable,
  tableNotes,
  wantedTable,
} from "./table";

/** One thing that must be so: two texts that must be the same. */
export interface Expectation {
  step: Step;
  /** A file's path, or what it is. */
  title: string;
  /** What the host must be asked for it: see report.sh. */
  questions: string[];
  want: (report: Report) => string;
  /** Undefined where it isn't there at all. */
  have: (report: Report) => string | undefined;
  /** Differences are told, but not shown. @default false */
  secret?: boolean;
  /** What is worth knowing, and is no drift. */
  notes?: (report: Report) => string[];
}

/**
 * Everything that must be so on a host.
 * @throws CouldNotLook when a step ran a script that isn't known here
 */
export function expectations(host: StackHost): Expectation[] {
  const put = host.steps.flatMap((step) => {
    const kind = kinds[step.script];
    if (kind === undefined) {
      throw new CouldNotLook(
        `${step.name} ran ${step.script}, which this lvs doesn't know: the stack is of a newer version`,
      );
    }
    return kind(step, host);
  });
  return [...put, ...host.restores.map(restored)];
}

/** Scripts that the stack calls on hosts, and what each leaves there. */
export const kinds: Partial<Record<string, (step: Step, host: StackHost) => Expectation[]>> = {
  "authorize.sh": (step, host) => [authorizedKey(step, host.connection.user)],
  "install.sh": (step) => [
    ...[...bundledScripts(step)].flatMap(([name, text]) =>
      file(step, { path: `${scriptsHome}/${name}`, mode: "0755", text }),
    ),
    owner(step, step.args[0]),
    packages(step, (step.args[6] ?? "").split(" ")),
  ],
  "kernel.sh": (step) => {
    const files = filesOf(step, sysctlFile);
    return [
      ...[...files].flatMap(([path, text]) => file(step, { path, mode: "0644", text })),
      owner(step, step.args[1]),
      modules(step, files.get("/etc/modules-load.d/lvs-ha.conf") ?? ""),
      ...tableSize(step, files.get("/etc/modprobe.d/lvs-ha.conf") ?? ""),
      sysctls(step, files.get(sysctlFile) ?? ""),
      sysctlsAtBoot(step),
    ];
  },
  "firewall.sh": (step, host) => {
    const { ufw, ...files } = Object.fromEntries(filesOf(step, nftFile));
    return [
      owner(step, step.args[1]),
      ...(ufw === undefined ? [] : [ufwRules(step, ufw)]),
      ...Object.entries(files).flatMap(([path, text]) => file(step, { path, mode: "0644", text })),
      ...(nftFile in files ? [...units(step, host), nftTable(step)] : []),
    ];
  },
  "vip.sh": (step, host) => [
    ...[...filesOf(step, "/etc/lvs-ha/virtual-addresses")].flatMap(([path, text]) =>
      file(step, { path, mode: "0644", text }),
    ),
    owner(step, step.args[1]),
    ...units(step, host),
    addresses(step, host),
  ],
  "secrets.sh": (step) => [
    ...file(step, {
      path: "/etc/keepalived/lvs-ha-secrets.conf",
      mode: "0600",
      text: step.stdin,
    }),
    owner(step, step.args[1]),
  ],
  "version.sh": (step) => [owner(step, step.args[1]), heldVersion(step, step.args[2] ?? "")],
  "keepalived.sh": (step, host) => {
    const files = [...filesOf(step, keepalivedConf)];
    return [
      ...units(step, host),
      ...files.flatMap(([path, text]) =>
        file(step, { path, mode: path.startsWith(`${scriptsFolder}/`) ? "0755" : "0640", text }),
      ),
      owner(step, step.args[1]),
      ownScripts(
        step,
        files.map(([path]) => path),
      ),
      ...(step.args[2] === "stopped"
        ? [service(step, "keepalived.service", "disabled, inactive")]
        : [
            service(step, "keepalived.service"),
            ipvs(step, host),
            syncDaemons(step, host.director),
          ]),
    ];
  },
  "metrics.sh": (step, host) => [
    ...file(step, { path: "/etc/lvs-ha/files.sha256", mode: "0644", text: step.stdin }),
    owner(step, step.args[1]),
    packages(step, ["curl", "prometheus-node-exporter"]),
    service(step, "prometheus-node-exporter.service"),
    ...units(step, host),
  ],
};

const scriptsHome = "/usr/local/lib/lvs-ha";
const sysctlFile = "/etc/sysctl.d/90-lvs-ha.conf";
const nftFile = "/etc/lvs-ha/firewall.nft";
const tableBitsFile = "/sys/module/ip_vs/parameters/conn_tab_bits";
const scriptsFolder = "/etc/keepalived/lvs-ha-scripts";
/** Where vip.sh notes which addresses are there because of it. */
const broughtFile = "/var/lib/lvs-ha/virtual-addresses-brought";

/** A file's text, and who may do what with it. */
function file(
  step: Step,
  { path, mode, text }: { path: string; mode: string; text: string },
): Expectation[] {
  const questions = [`file=${path}`];
  return [
    {
      step,
      title: path,
      questions,
      secret: step.secret,
      want: () => text,
      have: (report) => {
        const section = report.get(`file ${path}`);
        return section?.status === 0 ? section.text : undefined;
      },
    },
    {
      step,
      title: `mode of ${path}`,
      questions,
      want: () => line(`${mode} root:root`),
      // A file that is missing is told once.
      have: (report) => textOf(report, `mode ${path}`) || line(`${mode} root:root`),
    },
  ];
}

/** Which resource set a part of the host up: another's undo leaves it alone. */
function owner(step: Step, name = ""): Expectation {
  const path = `/var/lib/lvs-ha/owners/${step.script}`;
  return {
    step,
    title: path,
    questions: [`file=${path}`],
    want: () => `${name}\n`,
    have: (report) => textOf(report, `file ${path}`) || undefined,
  };
}

function authorizedKey(step: Step, user: string): Expectation {
  const key = step.args[1] ?? "";
  const comment = key.slice(key.lastIndexOf(" "));
  return {
    step,
    title: `authorized_keys of ${user}`,
    questions: [`keys=${user}`],
    want: () => line(key),
    have: (report) =>
      lines(linesOf(report, `keys ${user}`).filter((known) => known.endsWith(comment))),
  };
}

function packages(step: Step, names: readonly string[]): Expectation {
  const wanted = [...new Set(names)].filter((name) => name !== "").sort();
  const question = `packages ${wanted.join(" ")}`;
  return {
    step,
    title: "installed packages",
    questions: [`packages=${wanted.join(" ")}`],
    want: () => lines(wanted),
    have: (report) => {
      const installed = (report.get(question)?.text ?? "")
        .split("\n")
        .filter((line) => line.endsWith(" installed"))
        .map((line) => line.split(/[: ]/)[0] ?? "");
      return lines(wanted.filter((name) => installed.includes(name)));
    },
  };
}

/** Of the package keepalived. */
function heldVersion(step: Step, version: string): Expectation {
  return {
    step,
    title: "version of keepalived",
    questions: ["version=keepalived"],
    want: () => line(`${version} held`),
    have: (report) => textOf(report, "version keepalived"),
  };
}

function modules(step: Step, text: string): Expectation {
  const names = text.split("\n").filter((line) => line !== "");
  return {
    step,
    title: "kernel modules",
    questions: names.map((name) => `module=${name}`),
    want: () => lines(names),
    have: (report) => lines(names.filter((name) => report.get(`module ${name}`)?.status === 0)),
  };
}

/** A module's parameter is what it was loaded with: another one is no drift, it comes with a reboot. */
function tableSize(step: Step, options: string): Expectation[] {
  const [, bits] = /^options ip_vs conn_tab_bits=(\d+)$/m.exec(options) ?? [];
  if (bits === undefined) return [];
  return [
    {
      step,
      title: "size of IPVS's table",
      questions: [`file=${tableBitsFile}`],
      want: () => "",
      have: () => "",
      notes: (report) => {
        const live = textOf(report, `file ${tableBitsFile}`).trim();
        return live === "" || live === bits
          ? []
          : [`ip_vs was loaded with conn_tab_bits=${live}: ${bits} comes with the next reboot`];
      },
    },
  ];
}

/** Nothing but the stack's own is in the folder of its scripts, which keepalived runs as root. */
function ownScripts(step: Step, paths: readonly string[]): Expectation {
  const isOwn = (name: string) => paths.includes(`${scriptsFolder}/${name}`);
  return {
    step,
    title: `other files in ${scriptsFolder}`,
    questions: [`folder=${scriptsFolder}`],
    want: () => "",
    have: (report) =>
      lines(linesOf(report, `folder ${scriptsFolder}`).filter((name) => !isOwn(name))),
  };
}

function sysctls(step: Step, text: string): Expectation {
  const wanted = [...text.matchAll(/^(-?)(\S+) = (.*)$/gm)].map(
    ([, mark, name = "", value = ""]) => ({ mayLack: mark === "-", name, value }),
  );
  return {
    step,
    title: "sysctls",
    questions: [`sysctls=${wanted.map(({ name }) => name).join(" ")}`],
    want: (report) => {
      const have = linesOf(report, "sysctls");
      return lines(
        wanted.map(({ mayLack, name, value }) => {
          // sysctl.d(5): with a - before its name, the kernel needn't know it. The report has no value then.
          const unknown = `${name} = `;
          return mayLack && have.includes(unknown) ? unknown : unknown + value;
        }),
      );
    },
    have: (report) => textOf(report, "sysctls"),
  };
}

/** What another file would set otherwise at the next boot: kernel.sh tells it, and `repair` can't mend it. */
function sysctlsAtBoot(step: Step): Expectation {
  return {
    step,
    title: "sysctls that the next boot sets otherwise",
    questions: ["sysctls-at-boot"],
    want: () => "",
    have: (report) => {
      const answer = report.get("sysctls-at-boot");
      return answer === undefined || answer.status === 0
        ? textOf(report, "sysctls-at-boot")
        : `not to be told: kernel.sh ended with ${answer.status}`;
    },
  };
}

function ufwRules(step: Step, text: string): Expectation {
  const wanted = text.split("\n").filter(Boolean);
  return {
    step,
    title: "ufw",
    questions: ["ufw"],
    want: () => lines(["Status: active", ...[...wanted].sort()]),
    have: (report) => {
      const [status = "", ...rules] = linesOf(report, "ufw");
      // What the operator has of them is as good.
      const ours = rules.flatMap((line) => {
        const [, rule = "", comment] = /^ufw (.*?)(?: comment '(.*)')?$/.exec(line) ?? [];
        const plain = rule.replace(/ log(-all)? /, " ");
        return comment === "lvs-ha" ? [rule] : wanted.includes(plain) ? [plain] : [];
      });
      return lines([status, ...[...new Set(ours)].sort()]);
    },
  };
}

/** The table in the kernel against the one that its file makes. */
function nftTable(step: Step): Expectation {
  const reference = (report: Report) => report.get("nft-reference");
  return {
    step,
    title: "nftables table lvs_ha",
    questions: [`nft=${nftFile}`],
    want: (report) => textOf(report, "nft-reference"),
    have: (report) => textOf(report, "nft-live"),
    notes: (report) =>
      reference(report)?.status === 0 || report.get(`file ${nftFile}`)?.status !== 0
        ? []
        : [
            `${nftFile} could not be tried in a namespace of its own: the live table is not compared`,
          ],
  };
}

function addresses(step: Step, { loopback: wanted }: StackHost): Expectation {
  const place = ({ address, interface: device }: LoopbackAddress) => `${address} on ${device}`;
  return {
    step,
    title: "virtual addresses",
    questions: ["host", `file=${broughtFile}`],
    want: () => lines(wanted.map(place)),
    have: (report) => {
      const present = new Map(
        interfaceAddresses(report).map((entry) => [
          place({ ...entry, interface: entry.device }),
          entry,
        ]),
      );
      // Of others than the wanted ones, those that somebody else has put there are left alone.
      const brought = parsed(report, `file ${broughtFile}`, addressLines).map(place);
      const own = [...new Set([...wanted.map(place), ...brought])];
      return lines(
        own.flatMap((entry) => {
          const there = present.get(entry);
          return there === undefined ? [] : [there.isUp ? entry : `${entry}, whose link is down`];
        }),
      );
    },
  };
}

function service(step: Step, name: string, wanted = "enabled, active"): Expectation {
  return {
    step,
    title: name,
    questions: [`service=${name}`],
    want: () => line(wanted),
    have: (report) => {
      const found = properties(report, `service ${name}`);
      if (found.get("LoadState") === "not-found") return undefined;
      return line(`${found.get("UnitFileState") ?? ""}, ${found.get("ActiveState") ?? ""}`);
    },
  };
}

function syncDaemons(step: Step, { syncDaemon }: DirectorModel): Expectation {
  const running = (report: Report) => parseDaemons(textOf(report, "ipvs-daemons"));
  const described = (daemons: SyncDaemon[]) =>
    lines(
      daemons
        .map(({ state, interface: device, syncId }) => `${state} on ${device}, id ${syncId}`)
        .sort(),
    );
  return {
    step,
    title: "connection sync daemons",
    questions: ["director"],
    want: () => {
      if (syncDaemon === undefined) return "";
      const roles = ["backup", "master"] as const;
      return described(roles.map((state) => ({ state, ...syncDaemon })));
    },
    have: (report) => described(running(report)),
  };
}

function ipvs(step: Step, { restores, director }: StackHost): Expectation {
  return {
    step,
    title: "IPVS table",
    questions: ["director", "ipvs-rules", `file=${drainedFile}`, `file=${drainedByChangeFile}`],
    want: (report) => wantedTable(director, report),
    have: (report) => liveTable(director, report),
    notes: (report) => tableNotes(director, report, restores.flatMap(restoredAddresses)),
  };
}

/** Who was drained for a change is in again: the engine may have been killed before it came to that. */
function restored(step: Step): Expectation {
  const addresses = restoredAddresses(step);
  return {
    step,
    title: `new connections to ${addresses.join(", ")}`,
    questions: [],
    want: () => "",
    have: (report) =>
      lines(leftDrained(report, addresses).map((key) => `${key} is still drained by a change`)),
  };
}

function restoredAddresses({ args }: Step): string[] {
  return args.slice(1).map(shortestForm);
}

/** The systemd units that a script writes from a text of its own; those that are to be started at boot run. */
function units(step: Step, host: StackHost): Expectation[] {
  const prepare = host.steps.find(({ script }) => script === "install.sh");
  const text = prepare && bundledScripts(prepare).get(step.script);
  const unitFile = /^\/etc\/systemd\/system\/(.+)$/;
  return ownTexts(step, text ?? "").flatMap((unit) => {
    const [, name] = unitFile.exec(unit.path) ?? [];
    const starts = name !== undefined && unit.text.includes("\n[Install]\n");
    return [...file(step, unit), ...(starts ? [service(step, name)] : [])];
  });
}

/** Scripts in the text that `prepare` brings: each is a here-document. */
export function bundledScripts({ stdin }: Pick<Step, "stdin">): Map<string, string> {
  const document = /^cat >"\$stage\/(\S+)" <<'(\S+)'\n([\s\S]*?\n)\2$/gm;
  return new Map([...stdin.matchAll(document)].map(([, name = "", , text = ""]) => [name, text]));
}

/** What a script puts on the host by `put PATH MODE <<WORD`, its variables and the arguments of `apply` filled in. */
export function ownTexts(
  { script, args }: Pick<Step, "script" | "args">,
  text: string,
): { path: string; mode: string; text: string }[] {
  const variables = new Map([["0", `${scriptsHome}/${script}`]]);
  for (const [i, value] of args.slice(1).entries()) variables.set(String(i + 1), value);
  const fill = (raw: string) =>
    raw.replace(/\$(?:(\w+)|\{(\w+)%\/\*\})/g, (whole, name?: string, inFolder?: string) => {
      const value = variables.get(name ?? inFolder ?? "");
      if (value === undefined) return whole;
      return name === undefined ? value.replace(/\/[^/]*$/, "") : value;
    });
  for (const [, name = "", value = ""] of text.matchAll(/^(\w+)=([^\s"'`(]*)$/gm)) {
    variables.set(name, fill(value));
  }
  const put = /^[ \t]*put (\S+) (\d+) <<(\w+)\n([\s\S]*?\n)\3$/gm;
  return [...text.matchAll(put)].map(([, path = "", mode = "", , content = ""]) => ({
    path: fill(path),
    mode,
    text: fill(content),
  }));
}

function line(words: string): string {
  return `${words}\n`;
}

function lines(words: readonly string[]): string {
  return words.map((word) => `${word}\n`).join("");
}
