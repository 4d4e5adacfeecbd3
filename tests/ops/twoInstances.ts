// The sample's hosts with two VRRP instances: lvs1 is active for VI_1, which has two addresses; lvs2 for VI_2, which has one, and for ftp:
// what its firewall gives the mark 7.
import type { DirectorOutput } from "../../components/model";
import { edit, type Sections } from "./sampleHosts";

/** What a director of the sample is to do then. */
export function doesTwo(model: DirectorOutput): void {
  const [first] = model.instances;
  const [web] = model.services;
  if (first === undefined || web === undefined) throw new Error("the sample does nothing");
  const traffic = [{ protocol: "TCP", address: "192.0.2.101", port: 21 }];
  model.instances.push({ ...first, name: "VI_2", addresses: ["192.0.2.101"] });
  first.addresses.push("192.0.2.102");
  model.services.push({
    ...{ ...web, name: "ftp", service: "FWM 7", vrrpInstance: "VI_2" },
    ...{ isMark: true, port: 0, traffic },
  });
}

/** What a director answers then, with so many connections to web2 under the mark: its own on lvs2, hearsay on lvs1. */
export function saysOfTwo(name: string, sections: Sections, open: number): void {
  const rows = ["192.0.2.21", "192.0.2.22", "192.0.2.23"].map(
    (address) =>
      `  -> ${address}:0                 Route   1      ${address === "192.0.2.22" ? open : 0}          0\n`,
  );
  edit(sections, "ipvs", /$/, () => `FWM  7 wrr\n${rows.join("")}`);
  const [own, address, more] =
    name === "lvs1"
      ? ["BACKUP", "192.0.2.11", "192.0.2.102"]
      : ["MASTER", "192.0.2.12", "192.0.2.101"];
  edit(sections, "vrrp-states", /^/, `1795414400.5 ${own} VI_2\n`);
  edit(sections, "addresses", `"local":"${address}"`, `"local":"${more}"},{"local":"${address}"`);
}
