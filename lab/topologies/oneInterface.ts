/** Hosts with one network interface: logins, adverts, connection sync, checks and clients share it. */
import { topology } from "../topology";

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
