// What Pulumi programs use.
export type * from "./args";
export { loadConfig } from "./loadConfig";
export { LvsHaPair } from "./lvsHaPair";
export { LvsNode, type LvsNodeArgs } from "./lvsNode";
export { RealServer, type RealServerArgs } from "./realServer";
