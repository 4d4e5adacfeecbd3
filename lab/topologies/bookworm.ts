/** Both directors on Debian 12: keepalived 2.2.7 together with itself, not with a newer one. */
import { topology } from "../topology";

/** Two directors and two real servers on Debian 12. */
export const bookworm = topology({
  name: "bookworm",
  directors: [
    { name: "lvs1", release: 12 },
    { name: "lvs2", release: 12 },
  ],
  realServers: [
    { name: "web1", release: 12 },
    { name: "web2", release: 12 },
  ],
});
