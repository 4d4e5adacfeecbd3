/** A director on Debian 14, the next release, beside one on Debian 13. */
import { topology } from "../topology";

export const forky = topology({
  name: "forky",
  directors: [
    { name: "lvs1", release: 14 },
    { name: "lvs2", release: 13 },
  ],
  realServers: [
    { name: "web1", release: 14 },
    { name: "web2", release: 13 },
  ],
});
