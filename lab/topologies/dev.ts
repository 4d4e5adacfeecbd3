/**
 * The hosts of Pulumi.dev.yaml: both Debian releases in each role; one host without a root login.
 */
import { topology } from "../topology";

/** The hosts of the development stack. */
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
