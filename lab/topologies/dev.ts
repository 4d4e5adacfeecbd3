/** The hosts of Pulumi.dev.yaml: two Debian releases, which meet in each role; one host has no root login. */
import { topology } from "../topology";

export const dev = topology({
  name: "dev",
  directors: [
    { name: "lvs1", release: 13 },
    { name: "lvs2", release: 12 },
  ],
  realServers: [
    { name: "web1", release: 13 },
    { name: "web2", release: 12 },
    { name: "web3", release: 12, login: { user: "ops" } },
  ],
});
