// npm run docs: what is made from components/schema, for people, for editors, and for the engine; and a page of the bench's figures.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { editorSchema } from "./editorSchema";
import { jobFigures, packetFigures, performanceDocs, performanceFigures } from "./performance";
import { projectFile } from "./projectConfig";
import { reference } from "./reference";

const root = join(__dirname, "../..");

const read = (path: string) => readFileSync(join(root, path), "utf8");
const readIfThere = (path: string) => (existsSync(join(root, path)) ? read(path) : undefined);

/** The files, by path from the project's folder, with the text that they should have. */
export function generated(): Record<string, string> {
  return {
    "docs/config.md": reference(read("docs/generate/example.yaml")),
    "docs/config.schema.json": `${JSON.stringify(editorSchema(), null, 2)}\n`,
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
