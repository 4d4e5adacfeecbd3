// An LVS load balancer from the stack's config: see README.md for its keys.
import { loadConfig, LvsHaPair } from "./components";

const pair = new LvsHaPair("pair", loadConfig());

/** The virtual IP addresses. */
export const virtualAddresses = pair.virtualAddresses;

/** Who is in each virtual server's pool. */
export const pool = pair.pool;

/** Each director's `ipvsadm -Ln`, line by line, as it was after its last change. */
export const ipvsTables = pair.ipvsTables;
