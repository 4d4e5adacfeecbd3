/** Both directors on Debian 11, whose keepalived, 2.1.5, is the oldest that the stack supports. */
import { topology } from "../topology";

export const bullseye = topology({
  name: "bullseye",
  directors: [
    { name: "lvs1", release: 11 },
    { name: "lvs2", release: 11 },
  ],
  realServers: [
    { name: "web1", release: 11 },
    { name: "web2", release: 12 },
  ],
});
