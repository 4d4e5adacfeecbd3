// CONTRIBUTING.md's recipes, walked in a copy of the tree: whoever adds something is asked for each place that it needs.
import { Tree } from "./tree";

let tree: Tree;

beforeEach(() => {
  tree = new Tree();
});

afterEach(() => {
  tree.remove();
});

test("the tree has no errors, so that those of a recipe are its own", () => {
  expect(tree.compile()).toEqual({});
}, 300_000);

test("a type of check is a shape and a row: the compiler asks for the row, and tests for what is said and tried of it", () => {
  const shapes = "components/schema/checks.ts";
  tree.insert(
    shapes,
    '  session: blockName.describe("Name in `tracking.bfd`"),\n});\n',
    `
const dummy = z.strictObject({
  type: z.literal("dummy").describe("A dummy answers"),
  ...connection,
  throughVirtualAddress,
  greeting: word(20, "a greeting").optional().describe("What it says"),
});
`,
  );
  tree.insert(shapes, "misc, file, bfd", ", dummy");
  expect(tree.compile()).toEqual({ "components/keepalived/checkers.ts": 1 });

  const row = (form: string) => `  dummy: {
    block: "DUMMY_CHECK",
    transport: "tcp",
    throughByDefault: true,
    timing: { ...usual, retry: 2 },
    options: { greeting: { keyword: "greeting", form: "${form}" } },
  },
`;
  const table = "components/keepalived/checkers.ts";
  tree.insert(table, "readonly [Type in CheckType]: Checker<Type> } = {\n", row("word"));
  expect(tree.compile()).toEqual({});
  expect(
    tree.failures(
      "tests/docs.test.ts",
      "tests/ops/import/checkers.test.ts",
      "tests/render/whole.test.ts",
      "tests/scripts/checkers.test.ts",
    ),
  ).toEqual(
    expect.arrayContaining([
      // The reference, and the editors' schema.
      "docs/config.md is what components/schema says; if it isn't, run npm run docs",
      "docs/config.schema.json is what components/schema says; if it isn't, run npm run docs",
      // tests/ops/import/stacks.ts, for rendering and reading back.
      "each key of its own of a check of type dummy is written and read back",
      // tests/render/wholeStacks.ts, for golden files.
      "each key of the schema is set in one of these stacks",
      // ipvs.sh, for timing that isn't the usual one.
      "a reload waits for a check of type dummy as long as keepalived's own timing makes it last",
    ]),
  );
}, 600_000);

test("a check's key with a form of its own: the compiler asks how it is written, and how it is read", () => {
  const table = "components/keepalived/checkers.ts";
  tree.insert(table, '("word" | "name"', ' | "dummy"');
  expect(tree.compile()).toEqual({ "ops/import/read/checks.ts": 1 });
  tree.insert(table, 'PartForm = "urls"', ' | "dummies"');
  expect(tree.compile()).toEqual({
    "components/render/checks.ts": 1,
    "ops/import/read/checks.ts": 2,
  });
}, 300_000);

test("a key of an instance has its keyword in a row: the compiler asks for the row", () => {
  tree.insert(
    "components/schema/vrrp.ts",
    "const perInstance = {\n",
    '  dummy: flag.default(false).describe("A dummy"),\n',
  );
  expect(tree.compile()).toEqual({ "components/keepalived/keywords/vrrp.ts": 1 });
}, 300_000);

test("a system is a row: the compiler asks for what its family lacks, and tests for what is said and proven of it", () => {
  const rows = "components/os/profiles.ts";
  const row = (more: string) => `  dummy1: debianFamily({
    title: "Dummy 1",
    id: "dummy",
    release: "1",
    keepalived: { version: "9.9.9"${more} },
    proven: "programs",
  }),
`;
  tree.insert(rows, "export const osProfiles = {\n", row(""));
  expect(tree.compile()).toEqual({ [rows]: 1 });
  tree.insert(rows, 'version: "9.9.9"', ', package: "1:9.9.9-1"');
  expect(tree.compile()).toEqual({});
  expect(
    tree.failures("tests/docs.test.ts", "tests/systems.test.ts", "tests/render/render.test.ts"),
  ).toEqual(
    expect.arrayContaining([
      ...["config.md", "config.schema.json", "systems.md"].map(
        (file) => `docs/${file} is what components/schema says; if it isn't, run npm run docs`,
      ),
      "dummy1 claims no more than was run: a lab's hosts, or its keepalived",
      "dummy1 is told in the changelog",
      "dummy1 small/keepalived.conf is as reviewed",
    ]),
  );

  tree.insert("tests/support/keepalived.ts", '"2.3.4": "forky",', ' "9.9.9": "dummy",');
  expect(tree.compile()).toEqual({ "tests/ops/import/fixtures.test.ts": 1 });
}, 600_000);

test("a firewall back end is a name, a file and a row: the compiler asks for the row, and tests for its script", () => {
  tree.insert(
    "components/schema/index.ts",
    'firewallBackends = ["auto", "ufw", "nftables"',
    ', "dummy"',
  );
  expect(tree.compile()).toEqual({ "components/firewall/index.ts": 1 });

  tree.add(
    "components/firewall/dummy.ts",
    `// A dummy.
import type { FirewallBackend } from "./openings";

export const dummy: FirewallBackend = {
  packages: [],
  render: ({ openings }) => ({ dummy: openings.map((opening) => JSON.stringify(opening)) }),
  speaks: () => true,
};
`,
  );
  tree.insert(
    "components/firewall/index.ts",
    'import { none } from "./none";\n',
    'import { dummy } from "./dummy";\n',
  );
  tree.insert("components/firewall/index.ts", "  nftables,\n", "  dummy,\n");
  expect(tree.compile()).toEqual({});
  expect(
    tree.failures(
      "tests/docs.test.ts",
      "tests/render/whole.test.ts",
      "tests/scripts/firewall.test.ts",
    ),
  ).toEqual(
    expect.arrayContaining([
      "docs/config.md is what components/schema says; if it isn't, run npm run docs",
      "docs/config.schema.json is what components/schema says; if it isn't, run npm run docs",
      // Golden files.
      "full lvs1's firewall-dummy is as reviewed",
      "full what web1 gets is as reviewed",
      // templates/scripts/firewall-dummy.sh, and its name in firewall.sh.
      "firewall.sh on a host without a firewall knows the back end dummy",
    ]),
  );
}, 600_000);
