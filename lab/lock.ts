/**
 * Locks between runs of the lab. A lock is a listening socket in Linux's abstract namespace: the
 * kernel gives it to one process and takes it back when that process ends in any way. A lock can't
 * become stale.
 */
import { type Server, connect, createServer } from "node:net";

import { waitFor } from "./waitFor";

/** What to do while another process has the lock. */
export interface LockOptions {
  /** How long to wait; 0 means not at all. */
  waitSeconds: number;
  /** Called once if it has to wait. */
  onWait?: (holder: string) => void;
}

/**
 * Runs an action that no other process may run at the same time.
 *
 * @param name names the lock
 * @throws Error that names the process with the lock
 */
export async function withLock<T>(
  name: string,
  { waitSeconds, onWait }: LockOptions,
  action: () => Promise<T>,
): Promise<T> {
  let server = await listen(name);
  if (!server) {
    const holder = await askHolder(name);
    const message = `another run of the lab is busy (${holder})`;
    if (waitSeconds === 0) throw new Error(`${message}; try again when it is done`);
    onWait?.(message);
    server = await waitFor(() => listen(name), {
      what: `the end of ${holder}`,
      timeoutSeconds: waitSeconds,
      intervalSeconds: 0.1,
    });
  }
  try {
    return await action();
  } finally {
    server.close();
  }
}

/** Takes the lock; undefined if another process has it. */
function listen(name: string): Promise<Server | undefined> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(`process ${process.pid}: ${process.argv.slice(2).join(" ") || "the whole lab"}`);
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(address(name), () => {
      resolve(server);
    });
  });
}

/** Describes the process that has the lock. */
function askHolder(name: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(address(name));
    socket.setEncoding("utf8").setTimeout(1000, () => socket.destroy());
    socket.on("data", (chunk: string) => (text += chunk));
    // The holder may just have released it, or be too busy to answer.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      resolve(text || "it did not say who it is");
    });
  });
}

function address(name: string): string {
  return `\0lvs-ha-lab/${name}`;
}
