// keepalived.conf(5) of one director: pure, the same text for the same settings.
import { withoutPrefix } from "../schema";
import type { DirectorSettings, Settings } from "../settings";
import { renderTemplate } from "./template";

/** Where auth_pass lives: a file of its own, so that keepalived.conf stays readable in a preview. */
export const secretsPath = "/etc/keepalived/lvs-ha-secrets.conf";

/** Renders keepalived.conf for one of the settings' directors. */
export function renderKeepalived(
  settings: Pick<Settings, "vrrp" | "virtualServers" | "directors">,
  director: DirectorSettings,
  authenticated: boolean,
): string {
  const { vrrp, virtualServers, directors } = settings;
  return renderTemplate("keepalived.conf", {
    routerId: director.name,
    instance: "VI_1",
    version: vrrp.version,
    interface: vrrp.interface,
    connectionSync: vrrp.connectionSync,
    syncInterface: vrrp.syncInterface,
    syncId: vrrp.virtualRouterId,
    virtualRouterId: vrrp.virtualRouterId,
    priority: director.priority,
    advertInterval: vrrp.advertIntervalSeconds,
    preempt: vrrp.preempt,
    unicast: vrrp.unicast,
    source: withoutPrefix(director.vrrpAddress),
    peers: directors
      .filter(({ name }) => name !== director.name)
      .map(({ vrrpAddress }) => ({ peer: withoutPrefix(vrrpAddress) })),
    authenticated,
    secretsPath,
    virtualAddresses: virtualAddresses(virtualServers).map((virtualAddress) => ({
      virtualAddress,
    })),
    virtualServers: virtualServers.map(({ check, sorryServer, ...virtualServer }) => ({
      comment: virtualServer.name,
      address: virtualServer.address,
      port: virtualServer.port,
      delayLoop: virtualServer.delayLoopSeconds,
      scheduler: virtualServer.scheduler,
      forwarding: virtualServer.forwarding,
      // A literal 0 is refused by keepalived (exit 5 on 2.2.7): none is said by leaving it out.
      hasPersistence: virtualServer.persistenceTimeoutSeconds > 0,
      persistenceTimeout: virtualServer.persistenceTimeoutSeconds,
      protocol: virtualServer.protocol,
      hasSorryServer: sorryServer !== undefined,
      sorryAddress: sorryServer?.address ?? "",
      sorryPort: sorryServer?.port ?? 0,
      realServers: virtualServer.realServers.map(({ name, address, port, weight }) => ({
        realServer: name,
        realAddress: address,
        realPort: port,
        weight,
        hasTcpCheck: check.type === "tcp",
        hasCheckPort: check.port !== undefined,
        checkPort: check.port ?? 0,
        connectTimeout: check.connectTimeoutSeconds,
        retry: check.retry,
        delayBeforeRetry: check.delayBeforeRetrySeconds,
      })),
    })),
  });
}

/** The text of the secrets file: what `include` puts inside `authentication {}`. */
export function renderSecrets(authPass: string): string {
  return `auth_pass ${authPass}\n`;
}

/** Every virtual address once, with its prefix, in the config's order. */
export function virtualAddresses(virtualServers: Settings["virtualServers"]): string[] {
  return [
    ...new Set(virtualServers.map(({ address, prefixLength }) => `${address}/${prefixLength}`)),
  ];
}
