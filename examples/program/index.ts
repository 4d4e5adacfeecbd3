// A load balancer in front of hosts that another stack makes: their addresses and host keys are its outputs, known when it has run.
import * as pulumi from "@pulumi/pulumi";
import { LvsHaPair } from "lvs-ha";

const hosts = new pulumi.StackReference(new pulumi.Config().require("hostsStack"));

/** A host whose address that stack exports as `lvs1Address`, and its public host key as `lvs1HostKey`. */
const host = (name: string) => ({
  name,
  host: hosts.requireOutput(`${name}Address`),
  hostKey: hosts.requireOutput(`${name}HostKey`),
});

const pair = new LvsHaPair("web", {
  directors: ["lvs1", "lvs2"].map((name) => ({
    ...host(name),
    vrrpAddress: pulumi.interpolate`${host(name).host}/24`,
  })),
  realServers: ["web1", "web2", "web3"].map(host),
  virtualServers: [{ name: "web", address: "192.0.2.100", port: 80, checks: [{ type: "http" }] }],
  vrrp: { interface: "eth0", syncInterface: "eth0" },
});

export const { virtualAddresses, pool } = pair;
