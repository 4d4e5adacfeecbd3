// Conditions between keys of the stack config.
import { addressRules } from "./addresses";
import { checkRules } from "./checks";
import { hostRules } from "./hosts";
import { idleRules } from "./idle";
import { keywordRules } from "./keywords";
import { nameRules } from "./names";
import type { Rule } from "./rule";
import { serviceRules } from "./services";
import { sysctlRules } from "./sysctls";
import { systemRules } from "./systems";
import { versionRules } from "./versions";
import { vrrpRules } from "./vrrp";

/** All rules. */
export const rules: Rule[] = [
  ...hostRules,
  ...addressRules,
  ...serviceRules,
  ...checkRules,
  ...vrrpRules,
  ...keywordRules,
  ...nameRules,
  ...idleRules,
  ...sysctlRules,
  ...systemRules,
  ...versionRules,
];
