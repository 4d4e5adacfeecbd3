// What the components of one load balancer share: args that have been checked, logins, and who is asked before a host is changed.
import type * as pulumi from "@pulumi/pulumi";
import { DeletionProtection } from "./deletionProtection";
import type { SshLogin } from "./host/host";
import { Hooks } from "./host/hooks";
import { scriptTexts } from "./host/scripts";
import { Session } from "./host/session";
import { HostScripts } from "./hostScripts";
import type { Secrets, Taken } from "./inputs";
import { Rollout } from "./rollout";
import { type DirectorShape, type Settings, type Shape, startSeconds } from "./settings";
import { SshAccess } from "./sshAccess";

/** A director, and how it is logged in to. */
export interface Director {
  shape: DirectorShape;
  login: SshLogin;
  /** The program's own login to it. */
  session: Session;
}

export class Parts {
  readonly shape: Shape;
  readonly settings: pulumi.Output<Settings>;
  readonly secrets: Secrets;
  readonly access: SshAccess;
  readonly hooks: Hooks;
  /**
   * The one that most likely has the virtual addresses comes last: a bad change stops at the first. Before a host is changed, they are
   * asked what they have, so that each login waits for all others.
   */
  readonly directors: Director[];
  readonly rollout: Rollout;

  /** @param name of the component that has them */
  constructor(name: string, { shape, settings, secrets }: Taken, parent: pulumi.Resource) {
    this.shape = shape;
    this.settings = settings;
    this.secrets = secrets;
    const { managedKey } = shape;
    this.access = new SshAccess(`${name}-ssh`, { managedKey, settings, secrets }, { parent });
    this.hooks = new Hooks(name, async (change) => {
      if (shape.deletionProtection) await protection.check(change);
    });
    new HostScripts(`${name}-scripts`, { files: scriptTexts() }, { parent });

    const logins = shape.directors
      .toSorted((a, b) => a.priority - b.priority)
      .map((director) => ({ director, login: this.access.to(director) }));
    const canLogIn = logins.flatMap(({ director, login }) =>
      director.inMaintenance ? [] : login.ready,
    );
    this.directors = logins.map(({ director, login }) => ({
      shape: director,
      login: { ...login, ready: [...new Set([...login.ready, ...canLogIn])] },
      session: new Session(director.name, login.connection, { keepOpen: true }),
    }));
    const sessions = (inMaintenance: boolean) =>
      this.directors.flatMap((one) =>
        one.shape.inMaintenance === inMaintenance ? [one.session] : [],
      );
    // As the config names them: another run asks in the same order.
    const asked = sessions(false).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const protection = new DeletionProtection(
      settings,
      { serving: asked, inMaintenance: sessions(true) },
      settings.apply(startSeconds),
    );
    this.rollout = new Rollout({ directors: asked, ready: canLogIn, ...shape.rollout });
  }
}
