/**
 * Virtual addresses that are added, removed and changed under load, as a seed draws them; both directors run Debian 12.
 *
 * @set slice 3
 * @topology bookworm
 * @budgetSeconds 390
 */
import { testChanges } from "./addresses";

testChanges();
