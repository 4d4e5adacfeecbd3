// What the components of one load balancer share: checked args, logins, and the directors that every change asks first.
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

/** A director and its logins. */
export interface Director {
  shape: DirectorShape;
  login: SshLogin;
  /** The program's own login, beside the engine's. */
  session: Session;
}

/** The shared parts of one load balancer. */
export class Parts {
  readonly shape: Shape;
  readonly settings: pulumi.Output<Settings>;
  readonly secrets: Secrets;
  readonly access: SshAccess;
  readonly hooks: Hooks;
  /**
   * The least preferred director comes first: a bad change stops there, and it is the least likely to hold
   * the virtual addresses. Every change of a host asks the directors first, so all their logins must work.
   */
  readonly directors: Director[];
  readonly rollout: Rollout;

  /** @param name the component's */
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
    // Sorted by name, so that every run asks in the same order.
    const asked = sessions(false).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const protection = new DeletionProtection(
      settings,
      { serving: asked, inMaintenance: sessions(true) },
      settings.apply(startSeconds),
    );
    this.rollout = new Rollout({ directors: asked, ready: canLogIn, ...shape.rollout });
  }
}
