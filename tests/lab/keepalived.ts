// Shell commands for keepalived on the lab's directors.

/** The path of keepalived.conf. */
export const conf = "/etc/keepalived/keepalived.conf";

/**
 * Passes keepalived.conf, edited by sed(1), to the stack's script, with the owner recorded on the
 * host.
 */
export const offer = (expression: string) =>
  `{ echo '==> ${conf} <=='; sed '${expression}' ${conf}; echo '==> end <=='; } | /usr/local/lib/lvs-ha/keepalived.sh apply "$(cat /var/lib/lvs-ha/owners/keepalived.sh)"`;

/** Prints how many times VRRP instances have changed state since boot. */
export const transitions =
  "journalctl -b -u keepalived -o cat | grep -c 'Entering .* STATE' || [ $? = 1 ]";

/** Prints keepalived's process id, which a restart changes. */
export const pid = "systemctl show -P MainPID keepalived";
