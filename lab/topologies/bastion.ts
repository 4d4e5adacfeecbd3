/** Hosts that accept logins only from a bastion, on other SSH ports than 22. */
import { topology } from "../topology";

const login = { via: "gate", port: 2222 };

/** Two directors and two real servers behind a bastion. */
export const bastion = topology({
  name: "bastion",
  bastions: [{ name: "gate", release: 13, login: { user: "jump", port: 2022 } }],
  directors: [
    { name: "lvs1", release: 13, login },
    { name: "lvs2", release: 12, login },
  ],
  realServers: [
    { name: "web1", release: 13, login: { ...login, user: "ops" } },
    { name: "web2", release: 12, login },
  ],
});
