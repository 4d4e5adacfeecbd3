// Alerts and dashboard: promtool takes them, every metric that they name is exported, every alert has its test and its runbook.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { unpackPackage } from "../support/packages";
import { exported } from "./exporter";
import { directorHost, Metrics, realServerHost } from "./hosts";
import { limits, limitTests } from "./limits";

const root = join(__dirname, "../..");
const rulesFile = join(root, "monitoring/rules.yml");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface AlertTests {
  tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
}

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

const rules = (
  parse(read("monitoring/rules.yml")) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const alertFiles = ["tests/monitoring/alerts.yml", "tests/monitoring/alertsOfDays.yml"];
const alertTests = alertFiles.flatMap((file) =>
  (parse(read(file)) as AlertTests).tests.flatMap((test) => test.alert_rule_test),
);
const queries = (JSON.parse(read("monitoring/dashboard.json")) as Dashboard).panels.flatMap(
  ({ title, targets }) => targets.map(({ expr }): [string, string] => [title, expr]),
);
const operations = read("docs/operations.md");

/** Metrics that Prometheus makes itself. */
const prometheusOwn = ["up"];

let scratch: string;
let promtool: (...args: string[]) => { code: number | null; says: string };
let shown: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "lvs-ha-rules-"));
  const program = join(await unpackPackage("bookworm", "prometheus"), "usr/bin/promtool");
  promtool = (...args) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
    if (error) throw error;
    return { code: status, says: stdout + stderr };
  };
  const director = directorHost();
  const realServer = realServerHost();
  try {
    const texts: string[] = [];
    for (const [host, role] of [
      [director, "director"],
      [realServer, "real-server"],
    ] as const) {
      const metrics = new Metrics(host, role, "serving");
      metrics.says(1700000000, "(VI_1) Entering BACKUP STATE (init)");
      metrics.look();
      texts.push(await exported(metrics.folder));
    }
    shown = texts.join("\n");
  } finally {
    director.remove();
    realServer.remove();
  }
}, 600_000);

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

test("promtool takes the rules", () => {
  expect(promtool("check", "rules", rulesFile)).toMatchObject({ code: 0 });
});

test("each alert fires when it should, with the words that it should, and not otherwise", () => {
  const { code, says } = promtool("test", "rules", ...alertFiles.map((file) => join(root, file)));
  expect([code, says]).toEqual([0, expect.stringContaining("SUCCESS")]);
});

test("each alert fires just beyond its limits, after its time, and not just within them", () => {
  const files = limitTests(rulesFile).map((text, i) => {
    const file = join(scratch, `limits-${i}.yml`);
    writeFileSync(file, text);
    return file;
  });
  const { code, says } = promtool("test", "rules", ...files);
  expect([code, says]).toEqual([0, expect.stringContaining("SUCCESS")]);
  expect(Object.keys(limits).sort()).toEqual(rules.map(({ alert }) => alert).sort());
});

test("promtool finds an alert that doesn't fire, so that its silence means something", () => {
  const rulesOff = read("monitoring/rules.yml").replace("> 0.8", "> 0.9");
  writeFileSync(join(scratch, "rules.yml"), rulesOff);
  const tests = read("tests/monitoring/alerts.yml").replace(
    /^rule_files: .*/m,
    "rule_files: [rules.yml]",
  );
  writeFileSync(join(scratch, "alerts.yml"), tests);
  const { code, says } = promtool("test", "rules", join(scratch, "alerts.yml"));
  expect([code, says]).toEqual([1, expect.stringContaining("LvsConntrackFull")]);
});

test.each(rules.map((rule): [string, Rule] => [rule.alert, rule]))(
  "%s is tested both ways, says what is wrong, and leads to a runbook that there is",
  (alert, { labels, annotations }) => {
    const tests = alertTests.filter(({ alertname }) => alertname === alert);
    expect(tests.some(({ exp_alerts }) => exp_alerts.length > 0)).toBe(true);
    expect(tests.some(({ exp_alerts }) => exp_alerts.length === 0)).toBe(true);
    expect(labels.severity).toMatch(/^(critical|warning)$/);
    expect(annotations.summary).toBeTruthy();
    expect(annotations.description).toBeTruthy();
    const [, anchor = ""] = (annotations.runbook_url ?? "").split("docs/operations.md#");
    expect(anchors(operations)).toContain(anchor);
  },
);

test("every alert test is of an alert that there is", () => {
  const names = rules.map(({ alert }) => alert);
  expect(alertTests.filter(({ alertname }) => !names.includes(alertname))).toEqual([]);
});

test.each([
  ...rules.map(({ alert, expr }): [string, string] => [alert, expr]),
  ...queries.map(([title, expr]): [string, string] => [`the panel ${title}`, expr]),
])("%s names only metrics that the hosts show", (_name, expr) => {
  const names = metricsOf(expr);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect([name, isShown(name)]).toEqual([name, true]);
});

test("a metric that no host shows would be found", () => {
  expect(metricsOf('sum by (job) (rate(lvs_ha_nothing{a="node_x"}[5m])) > 1')).toEqual([
    "lvs_ha_nothing",
  ]);
  expect(isShown("lvs_ha_nothing")).toBe(false);
});

test("every query of the dashboard is PromQL", () => {
  const rule = ([, expr]: [string, string], i: number) =>
    `      - { record: "panel:${i}", expr: ${JSON.stringify(filledIn(expr))} }\n`;
  const text = `groups:\n  - name: dashboard\n    rules:\n${queries.map(rule).join("")}`;
  writeFileSync(join(scratch, "dashboard.yml"), text);
  expect(queries.length).toBeGreaterThan(15);
  const { code, says } = promtool("check", "rules", join(scratch, "dashboard.yml"));
  expect([code, says]).toEqual([0, expect.stringContaining(`${queries.length} rules found`)]);
});

test("a real server's connections are those of the director that has the address, not what a standby was told of", () => {
  const [, expr = ""] = queries.find(([title]) => title.startsWith("Connections open")) ?? [];
  const virtual = 'local_address="192.0.2.100",local_port="80",remote_address="192.0.2.22"';
  const series = [
    ["lvs1", "1", "5"],
    ["lvs2", "0", "99"],
  ].flatMap(([instance, held, open]) => {
    const host = `job="lvs-ha",instance="${instance}"`;
    return [
      `{ series: 'lvs_ha_virtual_address_held{${host},address="192.0.2.100",vrrp_instance="VI_1"}', values: "${held}" }`,
      `{ series: 'node_ipvs_backend_connections_active{${host},local_mark="",${virtual}}', values: "${open}" }`,
    ];
  });
  const text = `tests:
  - input_series: [${series.join(", ")}]
    promql_expr_test:
      - expr: ${JSON.stringify(filledIn(expr))}
        eval_time: 0m
        exp_samples: [{ labels: '{${virtual}}', value: 5 }]
`;
  writeFileSync(join(scratch, "held.yml"), text);
  const { code, says } = promtool("test", "rules", join(scratch, "held.yml"));
  expect([code, says]).toEqual([0, expect.stringContaining("SUCCESS")]);
});

test("every metric of the hosts is explained in docs/operations.md, and no other", () => {
  const own = new Set([...shown.matchAll(/^(lvs_ha_\w+)/gm)].map(([, name]) => name));
  const explained = [...operations.matchAll(/^\| `(lvs_ha_\w+)/gm)].map(([, name]) => name);
  expect(explained.sort()).toEqual([...own].sort());
});

/** Names of metrics in a query: words that are neither labels, functions nor strings. */
function metricsOf(expr: string): string[] {
  const bare = filledIn(expr)
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\b(?:by|on|ignoring|without)\s*\([^)]*\)/g, " ")
    .replace(/\{[^}]*\}/g, " ");
  const words = bare.match(/\b[a-z_][a-z0-9_]*\b(?!\s*\()/g) ?? [];
  return [...new Set(words.filter((word) => !["and", "or", "unless"].includes(word)))].filter(
    (word) => !/^[smhd]$/.test(word),
  );
}

function isShown(name: string): boolean {
  return prometheusOwn.includes(name) || new RegExp(`^${name}[{ ]`, "m").test(shown);
}

/** Grafana's variables, as Grafana would put them in. */
function filledIn(expr: string): string {
  return expr.replaceAll("$job", "lvs-ha").replaceAll("$__rate_interval", "1m");
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchors(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
