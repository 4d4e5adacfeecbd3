// Configs as people write them: what they become, whether keepalived accepts the result, and where
// the result means something else.
// After a deliberate change: UPDATE_GOLDENS=1 npx jest tests/ops/import/fixtures --ci=false, and
// read the diff.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "../../../components/config";
import { renderKeepalived, renderSecrets } from "../../../components/render/keepalived";
import type { StackConfig } from "../../../components/schema";
import type { Settings } from "../../../components/settings";
import { importConfig, renderReport } from "../../../ops/import";
import { directorConfig } from "../../../ops/import/command";
import { diskFiles } from "../../../ops/import/syntax/files";
import { filledIn } from "../../../ops/import/write/filled";
import { configTests, unpack, type KeepalivedVersion } from "../../support/keepalived";
import { readVersions } from "./oracle";
import { differenceOf, meaningOf } from "./meaning";

const folder = join(__dirname, "fixtures");

/**
 * The directors' files in each folder, and the directors' names if some lines are for only one of
 * them.
 */
const fixtures: Record<string, { files: [string, ...string[]]; hosts?: string[] }> = {
  "one-file-for-both": { files: ["keepalived.conf"], hosts: ["lb1", "lb2"] },
  sample: { files: ["keepalived.conf"] },
  "file-per-director": { files: ["lb-a.conf", "lb-b.conf"] },
  "chef-nodes": { files: ["lvs1.json", "lvs2.json"] },
};

const systems: Record<KeepalivedVersion, StackConfig["os"]> = {
  "2.1.5": "debian11",
  "2.2.7": "debian12",
  "2.3.3": "debian13",
  "2.3.4": "debian14",
};

describe.each(Object.entries(fixtures))("%s", (name, { files, hosts }) => {
  const at = (file: string) => join(folder, name, file);
  const read = (file: string) => {
    const config = directorConfig(file, readFileSync(at(file), "utf8"), {});
    return { ...config, files: beside(name, file) };
  };
  const [first, ...others] = files;
  const imported = importConfig([read(first), ...others.map(read)]);
  const secured = imported.yaml.includes("vrrpAuthPass");
  const authPass = "s3cr3tpw";

  test("its stack config and the report are as they were read", () => {
    golden(at("Pulumi.stack.yaml"), imported.yaml);
    golden(at("report.txt"), renderReport(imported.report));
  });

  test("where the stack's keepalived.conf says something else than the pair's, it was read, too", () => {
    const settings = settingsFor("debian13");
    const differences = settings.directors
      .slice(0, hosts?.length ?? files.length)
      .map((director, i) => {
        const original = read(files[i] ?? first);
        const before = meaningOf(original.text, original.files, hosts?.[i]);
        const after = meaningOf(renderKeepalived(settings, director, secured));
        return [`${director.name}:`, ...differenceOf(before, after)].join("\n");
      });
    golden(at("meaning.diff"), `${differences.join("\n")}\n`);
  });

  test.each(readVersions)(
    "keepalived %s takes what the stack makes of it",
    async (version) => {
      const settings = settingsFor(systems[version]);
      const [leading] = settings.directors;
      if (!leading) throw new Error("no director");
      const [verdict] = await configTests(await unpack(version), [
        {
          text: renderKeepalived(settings, leading, secured),
          secrets: secured ? renderSecrets(authPass) : "",
          scripts: settings.scripts,
        },
      ]);
      expect(verdict).toEqual({ code: 0, says: "" });
    },
    300_000,
  );

  function settingsFor(os: StackConfig["os"]): Settings {
    const { settings, errors } = check(
      filledIn({ ...imported.config, os }, secured ? { vrrpAuthPass: authPass } : {}),
    );
    if (!settings) throw new Error(errors.join("\n"));
    return settings;
  }
});

/** The files in the fixture's folder, under the names that they have on a director. */
function beside(name: string, file: string) {
  const files = diskFiles(join(folder, name, file));
  return {
    ...files,
    matches: (pattern: string) =>
      files
        .matches(pattern, join(folder, name))
        .map((path) => path.slice(join(folder, name).length + 1)),
    read: (path: string) => files.read(join(folder, name, path)),
  };
}

function golden(file: string, text: string): void {
  if (process.env.UPDATE_GOLDENS) writeFileSync(file, text);
  expect(text).toBe(existsSync(file) ? readFileSync(file, "utf8") : "");
}

test("every folder of fixtures is read", () => {
  expect(readdirSync(folder).toSorted()).toEqual(Object.keys(fixtures).toSorted());
});

test("docs/lvs.md shows what the import says of its example", () => {
  const docs = readFileSync(join(__dirname, "../../../docs/lvs.md"), "utf8");
  const shown = (what: string) =>
    docs.split(`<!-- import ${what} -->\n\n\`\`\`text\n`)[1]?.split("```\n")[0];
  const { report } = importConfig([{ file: "keepalived.conf", text: shown("input") ?? "" }]);
  expect(shown("report")).toBe(renderReport(report));
});
