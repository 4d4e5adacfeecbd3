// The API for other Pulumi programs.
export { loadSettings } from "./loadSettings";
export { LvsHaPair, type LvsHaPairArgs } from "./lvsHaPair";
export { LvsNode, type LvsNodeArgs } from "./lvsNode";
export { RealServer, type RealServerArgs } from "./realServer";
export type { Secrets, Settings } from "./settings";
export { SshAccess, type SshAccessArgs } from "./sshAccess";
