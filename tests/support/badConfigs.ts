// Configs that keepalived must refuse, made from a good one: mistakes of a person or a broken
// program.

/** The bad configs, by what is wrong with them. */
export function badConfigs(good: string): Record<string, string> {
  const bad: Record<string, string> = {};
  const change = (what: string, pattern: RegExp, by: string) => {
    const text = good.replace(pattern, by);
    if (text === good)
      throw new Error(`${what}: the config has nothing that looks like ${pattern}`);
    bad[what] = text;
  };
  /** Each keyword misspelt, one at a time. */
  for (const keyword of [
    "router_id",
    "enable_script_security",
    "vrrp_version",
    "vrrp_priority",
    "checker_priority",
    "lvs_sync_daemon",
    "vrrp_instance",
    "state",
    "interface",
    "virtual_router_id",
    "priority",
    "advert_int",
    "nopreempt",
    "unicast_src_ip",
    "unicast_peer",
    "virtual_ipaddress",
    "virtual_server",
    "delay_loop",
    "lvs_sched",
    "lvs_method",
    "protocol",
    "real_server",
    "weight",
    "TCP_CHECK",
    "connect_ip",
    "connect_port",
    "bindto",
    "fwmark",
    "connect_timeout",
    "retry",
    "delay_before_retry",
  ]) {
    change(`${keyword} misspelt`, new RegExp(`^(\\s*)${keyword}\\b`, "m"), `$1${keyword}x`);
  }
  change("a VRID of 0", /virtual_router_id \d+/, "virtual_router_id 0");
  change("a VRID of 256", /virtual_router_id \d+/, "virtual_router_id 256");
  change("a priority of 0", /^( +)priority \d+/m, "$1priority 0");
  change("a priority of 256", /^( +)priority \d+/m, "$1priority 256");
  change("an advert interval of 0", /advert_int [\d.]+/, "advert_int 0");
  change("an advert interval of 41 s", /advert_int [\d.]+/, "advert_int 41");
  change("VRRP version 4", /vrrp_version \d/, "vrrp_version 4");
  change("state ACTIVE", /state BACKUP/, "state ACTIVE");
  change("an interface that isn't there", /interface eth1/, "interface eth7");
  change("a virtual address that is none", /192\.0\.2\.100\/32/, "192.0.2.300/32");
  change("a prefix that is none", /192\.0\.2\.100\/32/, "192.0.2.100/33");
  change("no address to advertise", / +169\.254\.255\.51\/32 dev eth1 scope link\n/, "");
  change(
    "a peer of the other family",
    /unicast_peer \{\n.*/,
    "unicast_peer {\n        2001:db8::1",
  );
  change(
    "a virtual server's port of 65536",
    /^virtual_server (\S+) 80/m,
    "virtual_server $1 65536",
  );
  change("an unknown scheduler", /lvs_sched \w+/, "lvs_sched fair");
  change("an unknown method", /lvs_method DR/, "lvs_method DIRECT");
  change("a method in lower case, which would be NAT", /lvs_method DR/, "lvs_method dr");
  change("an unknown protocol", /protocol TCP/, "protocol TPC");
  change("a port that direct routing cannot change", /real_server (\S+) 80/, "real_server $1 8080");
  change("a real server of the other family", /real_server \S+ 80/, "real_server 2001:db8::21 80");
  change(
    "a real server twice",
    /real_server (\S+) 80 \{/,
    "real_server $1 80 {\n    }\n    real_server $1 80 {",
  );
  change("a weight that is no number", /weight \d+/, "weight heavy");
  change("all weights 0", /weight \d+/, "weight 0");
  bad["all weights 0"] = good.replaceAll(/weight \d+/g, "weight 0");
  change("a persistence of 0", /delay_loop/, "persistence_timeout 0\n    delay_loop");
  change("a quorum that can't be reached", /delay_loop/, "quorum 9999\n    delay_loop");
  change("a hysteresis as large as the quorum", /delay_loop/, "hysteresis 1\n    delay_loop");
  change("a check's timeout of 0", /connect_timeout \d+/, "connect_timeout 0");
  change("a check from an address of the other family", /bindto \S+/, "bindto 2001:db8::1");
  change("a block that isn't closed", /\}\s*$/, "");
  change("a block closed twice", /\}\s*$/, "}\n}\n");
  change(
    "a script without an interpreter of ours",
    /nopreempt/,
    'nopreempt\n    notify "/etc/keepalived/lvs-ha-scripts/none"',
  );
  change(
    "two instances of one VRID",
    /(vrrp_instance) (\S+)( \{[\s\S]*?\n\}\n)/,
    "$1 $2$3\n$1 VI_X$3",
  );
  return bad;
}
