/** Six real servers: more than a rollout changes at once, and enough to see weights and shares. */
import { topology } from "../topology";

/** Two directors and six real servers. */
export const sixRealServers = topology({
  name: "sixRealServers",
  directors: [
    { name: "lvs1", release: 13 },
    { name: "lvs2", release: 12 },
  ],
  realServers: ["web1", "web2", "web3", "web4", "web5", "web6"].map((name, i) => ({
    name,
    release: i % 2 === 0 ? (13 as const) : (12 as const),
  })),
});
