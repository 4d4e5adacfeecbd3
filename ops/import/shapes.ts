// The parts of the schema that keepalived.conf has blocks for, and the types of their drafts.
import type { z } from "zod";
import { schema } from "../../components/schema";
import { checkShapes, type check } from "../../components/schema/checks";
import type { Draft } from "./read/keywords";

/** The stack config as a user writes it. */
export type Config = { [Key in keyof typeof schema]?: z.input<(typeof schema)[Key]> };

/** Keys of `daemon`. */
export const daemonShape = schema.daemon.unwrap().shape;
/** Keys of `email`. */
export const emailShape = schema.email.unwrap().shape;
/** Keys of `vrrp`. */
export const vrrpShape = schema.vrrp.unwrap().shape;
/** Keys of `vrrp.syncDaemon`. */
export const syncDaemonShape = vrrpShape.syncDaemon.unwrap().shape;
/** Keys of an instance in `vrrp.instances`. */
export const instanceShape = vrrpShape.instances.unwrap().element.shape;
const { intervalSeconds, naIntervalSeconds, ...garpShape } = vrrpShape.garp.unwrap().shape;
export { garpShape };
/** Keys of `vrrp.garp` that apply to all instances. */
export const paceShape = { intervalSeconds, naIntervalSeconds };
/** Keys of `vrrp.notify`. */
export const notifyShape = vrrpShape.notify.unwrap().shape;
const syncGroupShape = vrrpShape.syncGroups.unwrap().element.shape;
/** Keys of a sync group's `notify`. */
export const groupNotifyShape = syncGroupShape.notify.unwrap().shape;
const trackingShape = schema.tracking.unwrap().shape;
/** Keys of an entry in `tracking.scripts`. */
export const trackedScriptShape = trackingShape.scripts.unwrap().element.shape;
/** Keys of an entry in `tracking.processes`. */
export const trackedProcessShape = trackingShape.processes.unwrap().element.shape;
/** Keys of an entry in `tracking.files`. */
export const trackedFileShape = trackingShape.files.unwrap().element.shape;
/** Keys of an entry in `tracking.bfd`. */
export const bfdShape = trackingShape.bfd.unwrap().element.shape;
/** Keys of a virtual server. */
export const virtualServerShape = schema.virtualServers.element.shape;
/** Keys of a real server in a virtual server. */
export const memberShape = virtualServerShape.realServers.unwrap().element.options[1].shape;
/** Keys of a virtual server's sorry server. */
export const sorryServerShape = virtualServerShape.sorryServer.unwrap().shape;

/** A draft of `daemon`. */
export type Daemon = Draft<typeof daemonShape>;
/** A draft of `email`. */
export type Email = Draft<typeof emailShape>;
/** A draft of `vrrp.syncDaemon`. */
export type SyncDaemon = Draft<typeof syncDaemonShape>;
/** A draft of a VRRP instance. */
export type Instance = Draft<typeof instanceShape>;
/** An entry of `vrrp.interfaceDelays`. */
export type InterfaceDelay = NonNullable<z.input<typeof vrrpShape.interfaceDelays>>[number];
/** A draft of a sync group. */
export type SyncGroup = Draft<typeof syncGroupShape>;
/** A draft of an instance's `notify`. */
export type Notify = Draft<typeof notifyShape>;
/** A draft of a sync group's `notify`. */
export type GroupNotify = Draft<typeof groupNotifyShape>;
/** A draft of a virtual server. */
export type VirtualServer = Draft<typeof virtualServerShape>;
/** A draft of a real server in a virtual server. */
export type Member = Draft<typeof memberShape>;
/** A draft of a sorry server. */
export type SorryServer = Draft<typeof sorryServerShape>;
/** A check as a user writes it. */
export type Check = z.input<typeof check>;
/** Keys of all types of check. */
export type CheckDraft = { [Key in KeyOf<Check>]?: ValueOf<Check, Key> };
/** A draft of a tracked script. */
export type TrackedScript = Draft<typeof trackedScriptShape>;
/** A draft of a tracked process. */
export type TrackedProcess = Draft<typeof trackedProcessShape>;
/** A draft of a tracked file. */
export type TrackedFile = Draft<typeof trackedFileShape>;
/** A draft of a BFD session. */
export type BfdSession = Draft<typeof bfdShape>;
/** A script's name, or its call with options. */
export type ScriptCall = NonNullable<z.input<typeof notifyShape.master>>;

type KeyOf<Union> = Union extends Union ? keyof Union : never;
type ValueOf<Union, Key> = Union extends Union
  ? Key extends keyof Union
    ? Union[Key]
    : never
  : never;

export { checkShapes };
/** Keys of a URL in an HTTP check. */
export const urlShape = checkShapes.http.urls.unwrap().element.shape;
/** A draft of such a URL. */
export type Url = Draft<typeof urlShape>;
