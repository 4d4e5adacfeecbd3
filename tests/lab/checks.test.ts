/**
 * Every type of health check, on real servers that fail it and no other; and what a pool does when it grows too small.
 *
 * @set slice 4
 * @topology dev
 * @budgetSeconds 150
 */
import { createHash } from "node:crypto";
import { waitFor } from "../../lab/waitFor";
import { findHost, inClient, startService, stopService, virtualIp } from "./lab";
import { installBfd, startBfd, stopBfd } from "./bfd";
import { directors, outOf, poolOf, settled, webs, weightsOf } from "./pools";
import { configure, nobodyAsks, shell, tell, up } from "./stack";

const site = "shop.example";
const page = "all is well\n";
const folder = "/run/lab-checks";
const nginx = "/etc/nginx/conf.d/lab-checks.conf";
const hooks = "/run/lab-hooks";
const weights = "/run/lab-weights";

/** Ports of the virtual address, by the check that guards them. */
const port = {
  https: 8443,
  digest: 8081,
  smtp: 25,
  udp: 5300,
  ping: 5301,
  misc: 8082,
  file: 8083,
  bfd: 8084,
  sorry: 8085,
} as const;

const pool = (name: keyof typeof port) =>
  `${name === "udp" || name === "ping" ? "-u" : "-t"} ${virtualIp.ipv4}:${port[name]}`;

const everyPool = (Object.keys(port) as (keyof typeof port)[]).map(pool);

/** The real server that fails, and that of the BFD session. */
const [failing, speaker] = ["web2", "web1"];

const address = (name: string) => findHost(name).public.ipv4;

beforeAll(async () => {
  await Promise.all([...webs.map(serve), installBfd(speaker)]);
  await startBfd(speaker, 50);
  for (const director of directors) await shell(director, `rm -f ${hooks} ${weights}*`);
  configure((stack) => {
    nobodyAsks(stack);
    const [web] = stack.virtualServers;
    // An HTTP check waits between its URLs, too.
    const quick = { retry: 0, delayBeforeRetrySeconds: 0 };
    const service = (name: keyof typeof port, more: object) => ({
      name,
      address: virtualIp.ipv4,
      port: port[name],
      delayLoopSeconds: 1,
      ...more,
    });
    const guarded = (name: keyof typeof port, check: object, more: object = {}) =>
      service(name, { checks: [check], ...more });
    stack.scripts = {
      "weigh.sh": `#!/bin/sh\nexit "$(cat ${weights}-$1 2>/dev/null || echo 0)"\n`,
      "note.sh": `#!/bin/sh\necho "$*" >>${hooks}\n`,
    };
    const hook = (...args: string[]) => ({ script: "note.sh", args });
    stack.tracking = {
      files: [{ name: "load", file: weights, initialValue: 0 }],
      bfd: [{ name: "speaker", neighbor: findHost(speaker).private.ipv4 }],
    };
    stack.virtualServers = [
      web,
      guarded("https", {
        type: "https",
        virtualHost: site,
        urls: [
          { path: "/page", status: [200], regex: "^all is well$", regexOptions: ["multiline"] },
        ],
        ...quick,
      }),
      guarded("digest", {
        type: "http",
        urls: [{ path: "/page", digest: createHash("md5").update(page).digest("hex") }],
        ...quick,
      }),
      guarded("smtp", { type: "smtp", heloName: "lvs.example", retry: 0 }),
      guarded(
        "udp",
        // "who?", and "web" at the reply's beginning.
        {
          type: "udp",
          payload: "77686f3f",
          requireReply: "776562",
          minReplyLength: 4,
          throughVirtualAddress: true,
          ...quick,
        },
        { protocol: "UDP", inhibitOnFailure: true },
      ),
      guarded("ping", { type: "ping", connectTimeoutSeconds: 1, retry: 0 }, { protocol: "UDP" }),
      service("misc", {
        scheduler: "wrr",
        realServers: webs.map((name) => ({
          name,
          checks: [{ type: "misc", script: "weigh.sh", args: [name], dynamic: true, ...quick }],
        })),
      }),
      guarded("file", { type: "file", trackFile: "load" }, { scheduler: "wrr" }),
      service("bfd", {
        checks: [],
        realServers: webs.map((name) => ({
          name,
          ...(name === speaker ? { checks: [{ type: "bfd", session: "speaker" }] } : {}),
        })),
      }),
      guarded(
        "sorry",
        { type: "tcp", retry: 0 },
        {
          realServers: [speaker, failing].map((name) => ({
            name,
            notifyUp: hook(name, "up"),
            notifyDown: hook(name, "down"),
          })),
          sorryServer: { address: address("web3"), port: port.sorry },
          quorum: 2,
          quorumUp: hook("quorum", "gained"),
          quorumDown: hook("quorum", "lost"),
        },
      ),
    ];
  });
  await up();
  await settled(everyPool.filter((one) => one !== pool("sorry")));
});

/** A web server over TLS that knows one name only, and servers of the other protocols. */
async function serve(host: string): Promise<void> {
  await shell(
    host,
    `mkdir -p ${folder} && cd ${folder} && printf '${page.trimEnd()}\\n' >page &&
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=${site} -days 2 -keyout key.pem -out cert.pem`,
  );
  await shell(host, `cat >${nginx} && nginx -t -q && systemctl reload nginx`, {
    input: `server { listen ${port.https} ssl default_server; ssl_reject_handshake on; }
server {
    listen ${port.https} ssl;
    server_name ${site};
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
    root ${folder};
}
server { listen ${port.digest}; root ${folder}; }
server { listen ${port.sorry}; location / { return 200 "${host}\\n"; } }
`,
  });
  await startService(host, { protocol: "smtp", port: port.smtp });
  await startService(host, { protocol: "udp", port: port.udp, address: virtualIp.ipv4 });
}

/** A failure of {@link failing} that one check sees, and its end. */
interface Failure {
  fail: () => Promise<unknown>;
  mend: () => Promise<unknown>;
}

/** Another server on a service's port, which is well as far as a connection or a datagram goes. */
const replaced = (protocol: "smtp" | "udp", by: "tcp" | "dns"): Failure => {
  const service = { protocol, port: port[protocol], address: virtualIp.ipv4 };
  const stranger = { ...service, protocol: by };
  return {
    fail: async () => {
      await stopService(failing, service);
      await startService(failing, stranger);
    },
    mend: async () => {
      await stopService(failing, stranger);
      await startService(failing, service);
    },
  };
};

const edited = (file: string, from: string, to: string, then = "true"): Failure => ({
  fail: () => shell(failing, `sed -i 's/${from}/${to}/' ${file} && ${then}`),
  mend: () => shell(failing, `sed -i 's/${to}/${from}/' ${file} && ${then}`),
});

const failures: [string, (keyof typeof port)[], Failure][] = [
  ["https and digest: another page", ["https", "digest"], edited(`${folder}/page`, "well", "ill")],
  [
    "https: no site of that name in the handshake",
    ["https"],
    edited(nginx, `server_name ${site}`, "server_name other.example", "systemctl reload nginx"),
  ],
  ["smtp: a server that is no mail server", ["smtp"], replaced("smtp", "tcp")],
  [
    "ping: no echo",
    ["ping"],
    {
      fail: () => shell(failing, "sysctl -q -w net.ipv4.icmp_echo_ignore_all=1"),
      mend: () => shell(failing, "sysctl -q -w net.ipv4.icmp_echo_ignore_all=0"),
    },
  ],
];

test.each(failures)(
  "%s: out of its pools, and of no other; in again",
  async (_, names, failure) => {
    const concerned = names.map(pool);
    await failure.fail();
    await outOf(concerned, address(failing));
    for (const other of everyPool.filter((one) => !concerned.includes(one))) {
      expect(await poolOf(other)).toContain(address(failing));
    }
    await failure.mend();
    await settled(concerned);
  },
);

test("udp: a wrong reply; with inhibitOnFailure it stays in the pool, at weight 0", async () => {
  const failure = replaced("udp", "dns");
  await failure.fail();
  await outOf([pool("udp")], address(failing));
  for (const director of directors) {
    expect(await shell(director, "ipvsadm -Sn")).toContain(
      `-a ${pool("udp")} -r ${address(failing)}:${port.udp} -g -w 0`,
    );
  }
  await failure.mend();
  await settled([pool("udp")]);
});

test("https: clients get the page through the virtual address", async () => {
  const { stdout } = await inClient("curl", [
    ...["--silent", "--show-error", "--insecure", "--max-time", "5"],
    ...["--resolve", `${site}:${port.https}:${virtualIp.ipv4}`],
    `https://${site}:${port.https}/page`,
  ]);
  expect(stdout).toBe(page);
});

async function weighs(name: keyof typeof port, wanted: Record<string, number>): Promise<void> {
  for (const director of directors) {
    await waitFor(
      async () => {
        const found = await weightsOf(pool(name), director);
        if (webs.every((web) => found[address(web)] === wanted[web])) return true;
        throw new Error(JSON.stringify(found));
      },
      { what: `${director} has the weights of ${name}`, timeoutSeconds: 15 },
    );
  }
}

test("misc, dynamic: the script's exit code is the weight, plus 2", async () => {
  for (const director of directors) await shell(director, `echo 42 >${weights}-${failing}`);
  await weighs("misc", { web1: 1, web2: 40, web3: 1 });
  for (const director of directors) await shell(director, `echo 1 >${weights}-${failing}`);
  await outOf([pool("misc")], address(failing));
  for (const director of directors) await shell(director, `rm ${weights}-${failing}`);
  await weighs("misc", { web1: 1, web2: 1, web3: 1 });
});

test("file: its number is added to the weights", async () => {
  for (const director of directors) await shell(director, `echo 30 >${weights}`);
  await weighs("file", { web1: 31, web2: 31, web3: 31 });
  for (const director of directors) await shell(director, `echo 0 >${weights}`);
  await weighs("file", { web1: 1, web2: 1, web3: 1 });
});

test("bfd: a real server whose session is down is out within seconds, on both directors", async () => {
  const began = Date.now();
  await stopBfd(speaker);
  await outOf([pool("bfd")], address(speaker));
  const seconds = (Date.now() - began) / 1000;
  tell(`  out of both directors' pools ${seconds.toFixed(1)} s after its death`);
  expect(seconds).toBeLessThan(5);
  await startBfd(speaker, 50);
  await settled([pool("bfd")]);
});

test("too few for the quorum: the sorry server has all, hooks are run; then back", async () => {
  const ask = async () => {
    const answers = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const url = `http://${virtualIp.ipv4}:${port.sorry}/`;
      const { stdout } = await inClient("curl", ["--silent", "--max-time", "5", url]);
      answers.add(stdout.trim());
    }
    return [...answers].sort();
  };
  const noted = async (lines: string[]) => {
    for (const director of directors) {
      await waitFor(
        async () => {
          const found = (await shell(director, `cat ${hooks}`)).split("\n");
          if (lines.every((line) => found.includes(line))) return true;
          throw new Error(found.join("; "));
        },
        { what: `${director} has run ${lines.join(", ")}`, timeoutSeconds: 15 },
      );
    }
  };
  expect(await ask()).toEqual(["web1", "web2"]);
  for (const director of directors) await shell(director, `: >${hooks}`);
  const failure = edited(nginx, `listen ${port.sorry}`, "listen 8099", "systemctl reload nginx");
  await failure.fail();
  await noted([`${failing} down`, "quorum lost"]);
  expect(await ask()).toEqual(["web3"]);
  for (const director of directors) await shell(director, `: >${hooks}`);
  await failure.mend();
  await noted([`${failing} up`, "quorum gained"]);
  expect(await ask()).toEqual(["web1", "web2"]);
});
