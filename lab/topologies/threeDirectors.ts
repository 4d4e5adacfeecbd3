/** Three directors: a standby remains after a failover. */
import { topology } from "../topology";

/** Three directors and two real servers. */
export const threeDirectors = topology({
  name: "threeDirectors",
  directors: [
    { name: "lvs1", release: 13 },
    { name: "lvs2", release: 12 },
    { name: "lvs3", release: 13 },
  ],
  realServers: [
    { name: "web1", release: 13 },
    { name: "web2", release: 12 },
  ],
});
