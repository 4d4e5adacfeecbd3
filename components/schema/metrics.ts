// Metrics: what Prometheus can read of the hosts.
import { z } from "zod";
import { flag, integer, listOf, subnet } from "./types";

export const metrics = z
  .strictObject({
    enabled: flag
      .default(false)
      .describe(
        "The distribution's prometheus-node-exporter on directors and real servers, with metrics of the load balancer in it (docs/operations.md)",
      ),
    allowFrom: listOf(subnet, "subnets")
      .default([])
      .describe(
        "Sources that may read them, TCP port 9100, beside `firewall.allowFrom`, which may reach everything",
      ),
    intervalSeconds: integer(5, 60, "a number of seconds")
      .default(15)
      .describe("Seconds between two looks at the load balancer"),
  })
  .prefault({})
  .describe("Metrics for Prometheus");
