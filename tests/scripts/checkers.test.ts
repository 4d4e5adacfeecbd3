// What a director's scripts know about keepalived's checkers, compared with the table of checkers.
import { checkers, checkTypes } from "../../components/keepalived/checkers";
import { PretendHost } from "./host";

let host: PretendHost;

beforeAll(() => {
  host = new PretendHost();
});

afterAll(() => {
  host.remove();
});

const delayLoop = 7;

/** Seconds until a verdict, as ipvs.sh computes them for a checker with an empty block. */
function verdictOf(block: string): string | undefined {
  host.write(
    "/etc/keepalived.conf",
    [
      "virtual_server 192.0.2.100 80 {",
      `    delay_loop ${delayLoop}`,
      "    lvs_sched rr",
      "    lvs_method DR",
      "    protocol TCP",
      "    real_server 192.0.2.21 80 {",
      "        weight 1",
      `        ${block} {`,
      "        }",
      "    }",
      "}",
      "",
    ].join("\n"),
  );
  const { code, stdout, stderr } = host.shell(
    `what=test; cd ${host.scripts}; . ./files.sh; . ./foreign.sh; . ./ipvs.sh; wanted /etc/keepalived.conf`,
  );
  expect([code, stderr]).toEqual([0, ""]);
  return /^=c -t 192\.0\.2\.100:80 -r 192\.0\.2\.21:80 (\d+) /m.exec(stdout)?.[1];
}

test.each(checkTypes)(
  "a reload waits for a check of type %s as long as keepalived's own timing makes it last",
  (type) => {
    const { block, transport, timing } = checkers[type];
    const { retry, delayBeforeRetrySeconds: delay } = timing ?? {
      retry: 0,
      delayBeforeRetrySeconds: 0,
    };
    const timeout = transport ? 5 : delayLoop;
    const pause = delay === "interval" ? delayLoop : delay;
    const seconds = delayLoop + (retry + 1) * timeout + retry * pause + 1;
    expect(verdictOf(block)).toBe(timing ? String(seconds) : "0");
  },
);
