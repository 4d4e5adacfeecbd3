// A director with a stand-in keepalived that obeys comments in its config
// (stand-ins/keepalived.sh). Importing this file makes a new one for each test.
import { directorDataPath } from "../../components/render/director";
import { renderFiles } from "../../components/render/files";
import { dataOf } from "./dataOf";
import { PretendHost, type Result } from "./host";

export const folder = "/etc/keepalived";
export const owner = "lvs1/10.10.0.11";
export const table = [
  "-A -t 192.0.2.100:80 -s rr",
  "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
];

/** A config, and what keepalived's stand-in does with it. */
export interface Config {
  /** Lines about VRRP. */
  vrrp?: string[];
  /** Distinguishes the configs. */
  id: string;
  weight?: number;
  /** Names of scripts that the config runs. */
  runs?: string[];
  scripts?: Record<string, string>;
  /** keepalived's config test refuses the config. */
  refused?: boolean;
  /** keepalived never applies the config to the kernel. */
  deaf?: boolean;
  /** keepalived logs these lines once it has taken the config. */
  says?: string[];
  /** keepalived is still busy with an earlier reload when it is told. */
  busy?: boolean;
  /** The power fails when keepalived is told of the config. */
  cut?: boolean;
  uthreshold?: number;
  /** Real servers start out of the pool. */
  alpha?: boolean;
  /** Connections are synced to the other directors. */
  synced?: boolean;
  /** A page that a check fetches; the check's verdict takes up to 13 s. */
  page?: string;
  /** The config includes the secrets file. */
  secret?: boolean;
  /** A VRRP instance tracks a process. */
  tracks?: boolean;
}

export const script = (word: string) => `#!/bin/sh\necho ${word}\n`;

export function conf({ id, weight = 1, runs = [], uthreshold, ...does }: Config): string[] {
  return [
    `# ${id}`,
    ...(does.refused ? ["nonsense"] : []),
    ...(does.deaf ? ["# deaf"] : []),
    ...(does.cut ? ["# cut"] : []),
    ...(does.busy ? ["# busy"] : []),
    ...(does.synced ? ["global_defs {", "    lvs_sync_daemon eth0 id 51", "}"] : []),
    ...(does.vrrp ?? []),
    ...(does.tracks
      ? ["vrrp_instance VI_1 {", "    track_process {", "        proc", "    }", "}"]
      : []),
    ...(does.secret ? [`include ${folder}/lvs-ha-secrets.conf`] : []),
    ...(does.says ?? ["Reload complete"]).map((line) => `# says ${line}`),
    "virtual_server 192.0.2.100 80 {",
    "    lvs_sched rr",
    "    lvs_method DR",
    ...(does.alpha ? ["    alpha"] : []),
    "    delay_loop 5",
    "    real_server 192.0.2.21 80 {",
    `        weight ${weight}`,
    ...(uthreshold === undefined ? [] : [`        uthreshold ${uthreshold}`]),
    ...runs.map((name) => `        notify_up "${folder}/lvs-ha-scripts/${name} up"`),
    ...(does.page === undefined
      ? []
      : [
          "        HTTP_GET {",
          "            url {",
          `                path ${does.page}`,
          "            }",
          "            connect_timeout 3",
          "            delay_before_retry 1",
          "        }",
        ]),
    "    }",
    "}",
  ];
}

export function files({ scripts = {}, ...config }: Config): string {
  const lines = conf({ runs: Object.keys(scripts), ...config });
  return renderFiles({
    [`${folder}/keepalived.conf`]: lines,
    [directorDataPath]: dataOf(lines),
    ...Object.fromEntries(
      Object.entries(scripts).map(([name, text]) => [
        `${folder}/lvs-ha-scripts/${name}`,
        text.trimEnd().split("\n"),
      ]),
    ),
  });
}

export let host: PretendHost;

export const active = "/systemd/active/keepalived.service";

/** Writes keepalived's log since its start. */
export const journal = (...lines: string[]) => {
  const all = ["Starting Healthcheck child process, pid=9", ...lines];
  host.write("/journal", all.map((line) => `${line}\n`).join(""));
};

/** Makes keepalived run these shell lines before everything else. */
export const keepalived = (...lines: string[]) => {
  host.program("keepalived", [...lines, 'exec "$FOLDER/stand-ins/keepalived" "$@"']);
};

beforeEach(() => {
  host = new PretendHost();
  host.sleeps(10);
  journal();
});

afterEach(() => {
  host.remove();
});

export function apply(config: Config, ...aim: "stopped"[]): Result {
  return host.script("keepalived.sh", ["apply", owner, ...aim], files(config));
}

export function applied(config: Config): Result {
  const result = apply(config);
  expect([result.code, result.code === 0 ? "" : result.stderr]).toEqual([0, ""]);
  return result;
}

/** All files in /etc/keepalived, with their modes. */
export function state(): string {
  return host.shell(
    `cd ${folder} && find . -type f | sort | xargs sh -c 'stat -c "%n %a" "$@"; cat "$@"' sh && ls -R`,
  ).stdout;
}

export const running = () => host.read(`${folder}/keepalived.conf`)?.split("\n")[0];
export const textOf = (name: string) => host.read(`${folder}/lvs-ha-scripts/${name}`);
/** The orders about keepalived that systemd got. */
export const told = () =>
  [...(host.read("/tmp/told") ?? "").matchAll(/^((?:start|re).*) keepalived.service$/gm)].map(
    ([, verb]) => verb,
  );
