// The floor: logs in to all hosts at once and runs `sh -s` once on each, with only the library that
// the lab's stand-in for the command plugin uses.
//   node floor.mjs KEY_FILE ADDRESS...
import { readFileSync } from "node:fs";
import ssh2 from "ssh2";

const [keyFile, ...hosts] = process.argv.slice(2);
const privateKey = readFileSync(keyFile);

const onHost = (host) =>
  new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    client.on("error", reject);
    client.on("ready", () => {
      client.exec("sh -s", (error, channel) => {
        if (error) return reject(error);
        let status;
        channel.on("exit", (code) => (status = code));
        channel.on("close", () => {
          client.end();
          if (status === 0) resolve();
          else reject(new Error(`${host}: sh ended with ${status}`));
        });
        channel.resume();
        channel.stderr.resume();
        channel.end("true\n");
      });
    });
    client.connect({ host, username: "root", privateKey, readyTimeout: 60_000 });
  });

await Promise.all(hosts.map(onHost));
