/**
 * Hosts with one network interface, shared by logins, adverts, connection sync, checks and clients.
 */
import { topology } from "../topology";

/** Two directors and two real servers with one interface each. */
export const oneInterface = topology({
  name: "oneInterface",
  oneInterface: true,
  directors: [
    { name: "lvs1", release: 13 },
    { name: "lvs2", release: 12 },
  ],
  realServers: [
    { name: "web1", release: 13 },
    { name: "web2", release: 12 },
  ],
});
