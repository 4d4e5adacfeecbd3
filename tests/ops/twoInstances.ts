// The sample's hosts with two VRRP instances: lvs1 is active for VI_1, which has two addresses; lvs2 for VI_2, which has one, and for ftp:
// what its firewall gives the mark 7.
import { edit, type Sections } from "./sampleHosts";

/** A director's keepalived.conf, from that of the sample. */
export function confOfTwo(conf: string): string {
  const [, instance = "", service = ""] =
    /(vrrp_instance [^]*?\n}\n)\n(# web\nvirtual_server [^]*)/.exec(conf) ?? [];
  if (service === "") throw new Error("the sample's config is another one");
  const second = instance.replace("VI_1", "VI_2").replace("192.0.2.100", "192.0.2.101");
  const line = "        192.0.2.100/32 dev eth1\n";
  const marked = service
    .replace("# web", "# ftp")
    .replace("virtual_server 192.0.2.100 80", "virtual_server fwmark 7");
  const first = conf.replace(line, `${line}${line.replace(".100", ".102")}`);
  return `${first}\n${second}\n${marked}`;
}

/** What the component of a director says in the state of its virtual servers. */
export const servicesOfTwo = [
  { service: "TCP 192.0.2.100:80", vrrpInstance: "VI_1" },
  { service: "FWM 7", vrrpInstance: "VI_2" },
];

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
