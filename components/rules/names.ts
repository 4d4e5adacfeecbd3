// Rules about names that refer to other parts of the config: scripts, tracked objects, mail.
import type { StackConfig } from "../schema";
import { trackedIn } from "../tracking";
import { written } from "./checks";
import { named, repeated, rule, unknown, type Rule } from "./rule";

interface Named {
  at: string;
  value: string;
}

/** Rules about names. */
export const nameRules: Rule[] = [
  rule({
    needs: ["tracking"],
    find: ({ tracking }) =>
      (["scripts", "processes", "files", "bfd"] as const).flatMap((list) =>
        repeated("name", named(`tracking.${list}`, tracking[list])),
      ),
  }),
  rule({
    needs: ["daemon", "tracking"],
    find: ({ daemon, tracking }) =>
      repeated("path", [
        ...tracking.files.map(({ file }, i) => ({ at: `tracking.files[${i}].file`, value: file })),
        ...fifos.map((key) => ({ at: `daemon.${key}.path`, value: daemon[key]?.path })),
      ]),
  }),
  rule({
    needs: ["daemon"],
    find: ({ daemon }) =>
      (["vrrpCpuAffinity", "checkerCpuAffinity"] as const).flatMap((key) =>
        repeated(
          "CPU",
          (daemon[key] ?? []).map((value, i) => ({ at: `daemon.${key}[${i}]`, value })),
        ),
      ),
  }),
  rule({
    needs: ["scripts", "tracking", "virtualServers", "vrrp", "daemon"],
    find: (config) =>
      unknown("script of scripts", scriptCalls(config), Object.keys(config.scripts)),
  }),
  rule({
    needs: ["tracking", "virtualServers"],
    find: ({ tracking, virtualServers }) => {
      const checks = virtualServers.flatMap(written);
      return [
        ...unknown(
          "file of tracking.files",
          checks.flatMap(({ at, check }) =>
            check.type === "file" ? [{ at: `${at}.trackFile`, value: check.trackFile }] : [],
          ),
          tracking.files.map(({ name }) => name),
        ),
        ...unknown(
          "session of tracking.bfd",
          checks.flatMap(({ at, check }) =>
            check.type === "bfd" ? [{ at: `${at}.session`, value: check.session }] : [],
          ),
          tracking.bfd.map(({ name }) => name),
        ),
      ];
    },
  }),
  rule({
    needs: ["tracking", "vrrp"],
    find: ({ tracking, vrrp }) =>
      places(vrrp).flatMap(({ at, block }) =>
        Object.entries(trackedIn).flatMap(([key, list]) => {
          const entries = named(`${at}.${key}`, block[key as keyof typeof trackedIn] ?? []);
          return [
            ...unknown(
              `name in tracking.${list}`,
              entries,
              tracking[list].map(({ name }) => name),
            ),
            ...repeated("name", entries),
          ];
        }),
      ),
  }),
  rule({
    needs: ["vrrp"],
    find: ({ vrrp }) =>
      places(vrrp).flatMap(({ at, block }) =>
        repeated("interface", named(`${at}.trackInterfaces`, block.trackInterfaces ?? [])),
      ),
  }),
  rule({
    needs: ["email", "vrrp", "virtualServers"],
    find: ({ email, vrrp, virtualServers }) =>
      email
        ? []
        : [
            ...places(vrrp).map(({ at, block }) => ({ at, on: block.smtpAlert })),
            ...virtualServers.map(({ smtpAlert }, i) => ({
              at: `virtualServers[${i}]`,
              on: smtpAlert,
            })),
          ].flatMap(({ at, on }) =>
            on ? [`${at}.smtpAlert: true, but email doesn't say to whom and by which server`] : [],
          ),
  }),
];

type Block = Partial<
  Pick<StackConfig["vrrp"], keyof typeof trackedIn | "trackInterfaces" | "notify" | "smtpAlert">
>;

/** The places in VRRP's config for tracked objects and notifications. */
export function places(vrrp: StackConfig["vrrp"]): { at: string; block: Block }[] {
  return [
    { at: "vrrp", block: vrrp },
    ...(vrrp.instances ?? []).map((block, i) => ({ at: `vrrp.instances[${i}]`, block })),
    ...vrrp.syncGroups.map((block, i) => ({ at: `vrrp.syncGroups[${i}]`, block })),
  ];
}

const fifos = ["notifyFifo", "vrrpNotifyFifo", "lvsNotifyFifo"] as const;

function scriptCalls({
  tracking,
  virtualServers,
  vrrp,
  daemon,
}: Pick<StackConfig, "tracking" | "virtualServers" | "vrrp" | "daemon">): Named[] {
  const services = virtualServers.flatMap((service, i) => {
    const at = `virtualServers[${i}]`;
    const members = service.realServers ?? [];
    return [
      { at: `${at}.quorumUp`, value: service.quorumUp?.script },
      { at: `${at}.quorumDown`, value: service.quorumDown?.script },
      ...members.flatMap((member, j) => [
        { at: `${at}.realServers[${j}].notifyUp`, value: member.notifyUp?.script },
        { at: `${at}.realServers[${j}].notifyDown`, value: member.notifyDown?.script },
      ]),
      ...written(service, i).map(({ at: where, check }) => ({
        at: `${where}.script`,
        value: check.type === "misc" ? check.script : undefined,
      })),
    ];
  });
  const notifications = places(vrrp).flatMap(({ at, block }) =>
    Object.entries(block.notify ?? {}).map(([state, told]) => ({
      at: `${at}.notify.${state}`,
      value: typeof told === "object" ? told.script : undefined,
    })),
  );
  return [
    ...tracking.scripts.map(({ script }, i) => ({
      at: `tracking.scripts[${i}].script`,
      value: script,
    })),
    ...services,
    ...notifications,
    ...(["startupScript", "shutdownScript"] as const).map((key) => ({
      at: `daemon.${key}`,
      value: daemon[key]?.script,
    })),
    ...(["vrrpNotifyFifo", "lvsNotifyFifo"] as const).map((key) => ({
      at: `daemon.${key}.script`,
      value: daemon[key]?.script?.script,
    })),
  ].flatMap(({ at, value }) => (value === undefined ? [] : [{ at, value }]));
}
