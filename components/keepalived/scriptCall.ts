// Calls of the stack's scripts in keepalived.conf.

/** The folder with the stack's scripts on a director. */
export const scriptsFolder = "/etc/keepalived/lvs-ha-scripts";

/** A call of one of the stack's scripts. */
export interface ScriptCall {
  script: string;
  args?: string[];
  user?: string;
}

/** Renders a call: the script's path and arguments in quotes, then the user. */
export function call(hook: ScriptCall): string {
  const words = [`${scriptsFolder}/${hook.script}`, ...(hook.args ?? [])].join(" ");
  return `"${words}"${hook.user === undefined ? "" : ` ${hook.user}`}`;
}
