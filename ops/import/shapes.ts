// The parts of the stack config's schema that keepalived.conf has blocks for, and drafts of them.
import type { z } from "zod";
import { schema } from "../../components/schema";
import { checkShapes, type check } from "../../components/schema/checks";
import type { Draft } from "./read/keywords";

/** The stack config as a user writes it. */
export type Config = { [Key in keyof typeof schema]?: z.input<(typeof schema)[Key]> };

export const daemonShape = schema.daemon.unwrap().shape;
export const emailShape = schema.email.unwrap().shape;
export const vrrpShape = schema.vrrp.unwrap().shape;
export const syncDaemonShape = vrrpShape.syncDaemon.unwrap().shape;
export const instanceShape = vrrpShape.instances.unwrap().element.shape;
const { intervalSeconds, naIntervalSeconds, ...garpShape } = vrrpShape.garp.unwrap().shape;
export { garpShape };
export const paceShape = { intervalSeconds, naIntervalSeconds };
export const notifyShape = vrrpShape.notify.unwrap().shape;
const syncGroupShape = vrrpShape.syncGroups.unwrap().element.shape;
export const groupNotifyShape = syncGroupShape.notify.unwrap().shape;
const trackingShape = schema.tracking.unwrap().shape;
export const trackedScriptShape = trackingShape.scripts.unwrap().element.shape;
export const trackedProcessShape = trackingShape.processes.unwrap().element.shape;
export const trackedFileShape = trackingShape.files.unwrap().element.shape;
export const bfdShape = trackingShape.bfd.unwrap().element.shape;
export const virtualServerShape = schema.virtualServers.element.shape;
export const memberShape = virtualServerShape.realServers.unwrap().element.options[1].shape;
export const sorryServerShape = virtualServerShape.sorryServer.unwrap().shape;

export type Daemon = Draft<typeof daemonShape>;
export type Email = Draft<typeof emailShape>;
export type SyncDaemon = Draft<typeof syncDaemonShape>;
export type Instance = Draft<typeof instanceShape>;
export type InterfaceDelay = NonNullable<z.input<typeof vrrpShape.interfaceDelays>>[number];
export type SyncGroup = Draft<typeof syncGroupShape>;
export type Notify = Draft<typeof notifyShape>;
export type GroupNotify = Draft<typeof groupNotifyShape>;
export type VirtualServer = Draft<typeof virtualServerShape>;
export type Member = Draft<typeof memberShape>;
export type SorryServer = Draft<typeof sorryServerShape>;
export type Check = z.input<typeof check>;
/** Any of the checks' keys. */
export type CheckDraft = { [Key in KeyOf<Check>]?: ValueOf<Check, Key> };
export type TrackedScript = Draft<typeof trackedScriptShape>;
export type TrackedProcess = Draft<typeof trackedProcessShape>;
export type TrackedFile = Draft<typeof trackedFileShape>;
export type BfdSession = Draft<typeof bfdShape>;
export type ScriptCall = NonNullable<z.input<typeof notifyShape.master>>;

type KeyOf<Union> = Union extends Union ? keyof Union : never;
type ValueOf<Union, Key> = Union extends Union
  ? Key extends keyof Union
    ? Union[Key]
    : never
  : never;

export { checkShapes };
export const urlShape = checkShapes.http.urls.unwrap().element.shape;
export type Url = Draft<typeof urlShape>;
