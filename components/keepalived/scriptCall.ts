// How keepalived.conf calls one of the stack's scripts.

/** Where the stack's scripts live on a director. */
export const scriptsFolder = "/etc/keepalived/lvs-ha-scripts";

/** A call of one of the stack's scripts. */
export interface ScriptCall {
  script: string;
  args?: string[];
  user?: string;
}

/** A script's path and arguments in quotes, and who runs it. */
export function call(hook: ScriptCall): string {
  const words = [`${scriptsFolder}/${hook.script}`, ...(hook.args ?? [])].join(" ");
  return `"${words}"${hook.user === undefined ? "" : ` ${hook.user}`}`;
}
