/**
 * Hosts with one network interface: logins, adverts, connection sync, checks and clients share it.
 *
 * @set slice 1
 * @topology oneInterface
 * @budgetSeconds 150
 */
import { claims } from "../../lab/proof";
import { lab } from "./lab";
import { done, healthy } from "./operatorCommands";
import { configFile, tell } from "./stack";

test.each(claims)("$claim", async ({ show }) => {
  await show(lab, tell, ["--config-file", configFile]);
});

test("the operator's command finds all well there", async () => {
  await healthy();
  expect(JSON.parse(await done("verify", "--json"))).toMatchObject({ clean: true });
});
