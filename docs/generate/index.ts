// npm run docs: what is made from components/schema and components/os, for people, for editors, and for the engine; and a page of the bench's figures.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argsModule } from "./args";
import { editorSchema } from "./editorSchema";
import { jobFigures, packetFigures, performanceDocs, performanceFigures } from "./performance";
import { projectFile } from "./projectConfig";
import { reference } from "./reference";
import { systemsPage } from "./systems";

const root = join(__dirname, "../..");

const read = (path: string) => readFileSync(join(root, path), "utf8");
const readIfThere = (path: string) => (existsSync(join(root, path)) ? read(path) : undefined);

/** The generated files: path from the project's folder, and text. */
export function generated(): Record<string, string> {
  return {
    "docs/config.md": reference(read("docs/generate/example.yaml")),
    "docs/config.schema.json": `${JSON.stringify(editorSchema(), null, 2)}\n`,
    "components/args.ts": argsModule(),
    "docs/systems.md": systemsPage(),
    "Pulumi.yaml": projectFile(read("Pulumi.yaml")),
    ...(existsSync(join(root, performanceFigures))
      ? performanceDocs(read(performanceFigures), {
          packets: readIfThere(packetFigures),
          job: readIfThere(jobFigures),
        })
      : {}),
  };
}

if (require.main === module) {
  for (const [path, text] of Object.entries(generated())) writeFileSync(join(root, path), text);
}
