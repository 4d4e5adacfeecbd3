// The sample's hosts with two VRRP instances. lvs1 is active for VI_1, which has two addresses;
// lvs2 is active for VI_2, which has one address, and for ftp, whose connections the firewall marks
// with 7.
import type { DirectorOutput } from "../../components/model";
import { edit, type Sections } from "./sampleHosts";

/** The changed model of a director in the sample. */
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

/**
 * A director's answers in that case, with this many connections to web2 under the mark: lvs2's own;
 * lvs1 only knows of them.
 */
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
