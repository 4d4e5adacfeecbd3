// Whether up.yml changes the hosts now: prints yes or no. Usage: node upUnderWay.mjs [SINCE], then also whether it did since that time.
// A run that waits, for a runner or for an approval, changes nothing yet.
// https://docs.github.com/en/rest/actions/workflow-runs, "List workflow runs for a workflow"
const [since] = process.argv.slice(2);
const { GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN } = process.env;
const response = await globalThis.fetch(
  `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/actions/workflows/up.yml/runs?per_page=30`,
  { headers: { accept: "application/vnd.github+json", authorization: `Bearer ${GITHUB_TOKEN}` } },
);
if (!response.ok)
  throw new Error(`GitHub answers ${response.status} when asked for runs of up.yml`);
const { workflow_runs: runs } = await response.json();
const isOne = ({ status, updated_at }) =>
  status === "in_progress" ||
  (since !== undefined && status === "completed" && Date.parse(updated_at) >= Date.parse(since));
console.log(runs.some(isOne) ? "yes" : "no");
