// Mustache for config files: nothing is escaped, and a name that the view doesn't have is an error instead of an empty string.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Mustache from "mustache";

/**
 * Renders `templates/NAME.mustache`.
 * @throws Error naming the template and the name that the view lacks.
 */
export function renderTemplate(name: string, view: object): string {
  const template = readFileSync(join(__dirname, "../../templates", `${name}.mustache`), "utf8");
  return new Mustache.Writer().render(template, new StrictContext(view, name), undefined, {
    escape: String,
  });
}

class StrictContext extends Mustache.Context {
  constructor(
    view: unknown,
    private readonly template: string,
    parent?: Mustache.Context,
  ) {
    super(view, parent);
  }

  override push(view: unknown): StrictContext {
    return new StrictContext(view, this.template, this);
  }

  override lookup(name: string): unknown {
    const value: unknown = super.lookup(name);
    if (value === undefined) throw new Error(`template ${this.template}: no value for {{${name}}}`);
    return value;
  }
}
