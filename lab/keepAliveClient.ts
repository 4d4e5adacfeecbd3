/**
 * The client of keep-alive connections. Each connection spreads its requests evenly over its time
 * and closes after the last answer. It runs in the client's namespace and prints how many requests
 * were answered and how many were lost.
 */
import { Agent, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** The connections to open. */
export interface KeepAlivePlan {
  address: string;
  port: number;
  /** Connections per second. */
  rate: number;
  seconds: number;
  /** Requests per connection, spread over `heldMs`. */
  requests: number;
  heldMs: number;
}

const plan = JSON.parse(process.argv[2] ?? "") as KeepAlivePlan;
const counts = { answered: 0, lost: 0 };

void run();

async function run(): Promise<void> {
  const began = Date.now();
  const connections: Promise<void>[] = [];
  for (let i = 0; i < plan.rate * plan.seconds; i++) {
    await delay(Math.max(0, began + (i * 1000) / plan.rate - Date.now()));
    connections.push(connection());
  }
  await Promise.all(connections);
  console.log(JSON.stringify(counts));
}

async function connection(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < plan.requests; i++) {
    if (i > 0) await delay(plan.heldMs / (plan.requests - 1));
    counts[(await isAnswered(agent)) ? "answered" : "lost"] += 1;
  }
  agent.destroy();
}

function isAnswered(agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: plan.address, port: plan.port, agent, timeout: 10_000 });
    request.on("response", (response) => {
      response.resume();
      response.on("end", () => {
        resolve(response.statusCode === 200);
      });
    });
    request.on("timeout", () => {
      request.destroy();
    });
    request.on("close", () => {
      resolve(false);
    });
    request.on("error", () => {
      resolve(false);
    });
  });
}
