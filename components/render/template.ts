// Mustache for config files: nothing is escaped, and a name missing from the view is an error
// instead of an empty string.
import { readFileSync } from "node:fs";
import Mustache from "mustache";
import { packagePath } from "../package";

// The writer caches parsed templates.
const writer = new Mustache.Writer();

/**
 * Renders `templates/NAME.mustache`. A partial is another file in that folder.
 * @throws Error naming the template and the name that the view lacks
 */
export function renderTemplate(name: string, view: object): string {
  return writer.render(textOf(name), new StrictContext(view, name), textOf, { escape: String });
}

const texts = new Map<string, string>();

function textOf(name: string): string {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const text = readFileSync(packagePath(`templates/${name}.mustache`), "utf8");
  texts.set(name, text);
  return text;
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
