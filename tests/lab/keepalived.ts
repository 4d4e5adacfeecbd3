// keepalived on the lab's directors, as commands for their shells.

export const conf = "/etc/keepalived/keepalived.conf";

/** Puts keepalived.conf, changed by sed(1), to the script that the stack calls, under the name that it has there. */
export const offer = (expression: string) =>
  `{ echo '==> ${conf} <=='; sed '${expression}' ${conf}; echo '==> end <=='; } | /usr/local/lib/lvs-ha/keepalived.sh apply "$(cat /var/lib/lvs-ha/owners/keepalived.sh)"`;

/** Prints how often a VRRP instance has changed its state since boot. */
export const transitions =
  "journalctl -b -u keepalived -o cat | grep -c 'Entering .* STATE' || [ $? = 1 ]";

/** Prints its process id: another one after a restart. */
export const pid = "systemctl show -P MainPID keepalived";
