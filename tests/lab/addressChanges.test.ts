/**
 * Virtual addresses that are added, removed and changed under load, as a seed draws them; the pair's directors are of two releases.
 *
 * @set slice 8
 * @topology dev
 * @budgetSeconds 240
 */
import { testChanges } from "./addresses";

testChanges();
