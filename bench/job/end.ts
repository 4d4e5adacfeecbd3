/** The state that every peer has to bring a lab's hosts to: a pair of directors in front of real servers, by direct routing. */
import type { Lab } from "../../lab/instance";
import { directorsOf, realServersOf } from "../../lab/measure";

/** What every peer is given. Ansible reads it as it is, so does the naive program. */
export interface Job {
  vip: string;
  port: number;
  scheduler: string;
  /** Who may log in, in CIDR notation. */
  management: string;
  directors: JobHost[];
  realServers: (JobHost & { weight: number })[];
}

interface JobHost {
  name: string;
  /** Where it is logged in to. */
  host: string;
  user: string;
  /** On the public network. */
  address: string;
}

/** The job on a lab's hosts, with so many of its real servers. */
export function jobOf(lab: Lab, realServers: number): Job {
  const { topology } = lab;
  const hostsOf = (hosts: typeof topology.hosts): JobHost[] =>
    hosts.map(({ name, private: { ipv4: host }, public: { ipv4: address }, login: { user } }) => ({
      name,
      host,
      user,
      address,
    }));
  const { prefix, prefixLength } = topology.networks.private;
  return {
    vip: topology.virtualIp.ipv4,
    port: 80,
    scheduler: "wrr",
    management: `${prefix.ipv4}0/${prefixLength}`,
    directors: hostsOf(directorsOf(lab)),
    realServers: hostsOf(realServersOf(lab).slice(0, realServers)).map((host) => ({
      ...host,
      weight: 1,
    })),
  };
}

/** The job with another weight of its first real server. */
export function withWeight(job: Job, weight: number): Job {
  return {
    ...job,
    realServers: job.realServers.map((server, i) => (i === 0 ? { ...server, weight } : server)),
  };
}

/** A director's keepalived.conf, as the peers write it who have no templates of their own. */
export function keepalivedConf(job: Job, director: JobHost): string {
  const { vip, port, scheduler } = job;
  const place = job.directors.findIndex(({ name }) => name === director.name);
  const peers = job.directors.filter(({ name }) => name !== director.name);
  return `global_defs {
    router_id ${director.name}
    vrrp_version 3
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth1
    virtual_router_id 51
    priority ${100 - place}
    advert_int 0.3
    nopreempt
    unicast_src_ip ${director.address}
    unicast_peer {
${peers.map(({ address }) => `        ${address}\n`).join("")}    }
    virtual_ipaddress {
        ${vip}/32
    }
}
virtual_server ${vip} ${port} {
    delay_loop 1
    lvs_sched ${scheduler}
    lvs_method DR
    protocol TCP
${job.realServers
  .map(
    ({ address, weight }) => `    real_server ${address} ${port} {
        weight ${weight}
        TCP_CHECK {
            connect_timeout 1
            retry 1
            delay_before_retry 1
        }
    }
`,
  )
  .join("")}}
`;
}
