// What lvs reads out of keepalived.conf, of configs that the stack itself renders: names, services and addresses must be found again.
import { kernelService } from "../../components/render/ipvs";
import { renderKeepalived } from "../../components/render/keepalived";
import { type DirectorConfig, readDirectorConfig } from "../../ops/directorConfig";
import { settingsOf, smallStack, type Stack } from "../support/stacks";

function configOf(change: (stack: Stack) => void): DirectorConfig {
  const stack = smallStack();
  change(stack);
  const settings = settingsOf(stack);
  const [director] = settings.directors;
  if (director === undefined) throw new Error("no director");
  return readDirectorConfig(renderKeepalived(settings, director, false));
}

test("virtual servers and real servers have the names that the stack config gives them", () => {
  const { services } = configOf(() => undefined);
  expect(services.filter(({ forChecks }) => !forChecks)).toMatchObject([
    {
      name: "web",
      service: "TCP 192.0.2.100:80",
      address: "192.0.2.100",
      port: 80,
      forChecks: false,
      scheduler: "rr",
      persistenceSeconds: 0,
      realServers: [
        { name: "web1", endpoint: "192.0.2.21:80", forwarding: "DR", weight: 1 },
        { name: "web2", endpoint: "192.0.2.22:80", forwarding: "DR", weight: 1 },
      ],
    },
  ]);
});

test("the sync daemon belongs to no instance, however many there are", () => {
  expect(configOf(() => undefined).syncDaemon).toEqual({ interface: "eth0", syncId: 51 });
  const several = configOf((stack) => {
    stack.vrrp = {
      instances: [
        { name: "VI_1", virtualRouterId: 51 },
        { name: "VI_2", virtualRouterId: 52 },
      ],
    };
    stack.virtualServers.push({
      name: "mail",
      address: "192.0.2.101",
      port: 25,
      vrrpInstance: "VI_2",
    });
  });
  expect(several.syncDaemon).toEqual({ interface: "eth0", syncId: 51 });
  expect(several.instances).toMatchObject([
    { name: "VI_1", interface: "eth1", priority: 150, addresses: ["192.0.2.100"] },
    { name: "VI_2", interface: "eth1", priority: 150, addresses: ["192.0.2.101"] },
  ]);
  expect(configOf((stack) => (stack.vrrp = { connectionSync: false })).syncDaemon).toBeUndefined();
});

test("marks, IPv6, thresholds, persistence and a sorry server are found", () => {
  const { services } = configOf((stack) => {
    stack.directors[0].vrrpAddress6 = "2001:db8::11/64";
    stack.directors[1].vrrpAddress6 = "2001:db8::12/64";
    stack.realServers[0].address6 = "2001:db8::21";
    stack.realServers[1].address6 = "2001:db8::22";
    stack.vrrp = {
      instances: [
        { name: "VI_1", virtualRouterId: 51 },
        { name: "VI_6", virtualRouterId: 52 },
      ],
    };
    stack.virtualServers = [
      {
        name: "web",
        fwmark: 7,
        traffic: [{ address: "192.0.2.100", ports: [80, 443] }],
        persistenceTimeoutSeconds: 300,
        persistenceGranularity: 24,
        scheduler: "sh",
        schedulerFlags: ["sh-port"],
        sorryServer: { address: "192.0.2.99" },
        realServers: [{ name: "web1", upperThreshold: 100, lowerThreshold: 50 }],
      },
      {
        name: "dns6",
        address: "2001:db8::100",
        port: 53,
        protocol: "UDP",
        vrrpInstance: "VI_6",
        onePacketScheduling: true,
        checks: [{ type: "dns" }],
      },
    ];
  });
  expect(services.filter(({ forChecks }) => !forChecks)).toMatchObject([
    {
      name: "web",
      service: "FWM 7",
      schedulerFlags: ["sh-fallback", "sh-port"],
      persistenceSeconds: 300,
      persistenceMask: "255.255.255.0",
      sorryServer: "192.0.2.99:0",
      realServers: [{ endpoint: "192.0.2.21:0", upperThreshold: 100, lowerThreshold: 50 }],
    },
    {
      name: "dns6",
      service: "UDP [2001:db8::100]:53",
      onePacketScheduling: true,
      realServers: [{ endpoint: "[2001:db8::21]:53" }, { endpoint: "[2001:db8::22]:53" }],
    },
  ]);
});

test("the state has each service by the name under which it is found in keepalived.conf, with its VRRP instance", () => {
  const stack = smallStack();
  for (const [i, end] of ["11", "12"].entries()) {
    Object.assign(stack.directors[i] ?? {}, { vrrpAddress6: `2001:db8::${end}/64` });
    Object.assign(stack.realServers[i] ?? {}, { address6: `2001:db8::2${i + 1}` });
  }
  stack.vrrp = {
    instances: [
      { name: "VI_1", virtualRouterId: 51 },
      { name: "VI_6", virtualRouterId: 52 },
    ],
  };
  const ports = [21];
  stack.virtualServers = [
    { name: "web", address: "192.0.2.100", port: 80 },
    { name: "ftp", fwmark: 7, traffic: [{ address: "192.0.2.100", ports }] },
    {
      ...{ name: "ftp6", fwmark: 8, vrrpInstance: "VI_6" },
      traffic: [{ address: "2001:db8::100", ports }],
    },
    { name: "dns6", address: "2001:DB8:0::100", port: 53, protocol: "UDP", vrrpInstance: "VI_6" },
  ];
  const settings = settingsOf(stack);
  const [director] = settings.directors;
  if (director === undefined) throw new Error("no director");
  const { services } = readDirectorConfig(renderKeepalived(settings, director, false));
  const told = settings.virtualServers.map((service) => [
    kernelService(service),
    service.vrrpInstance,
  ]);
  expect(told).toEqual([
    ["TCP 192.0.2.100:80", "VI_1"],
    ["FWM 7", "VI_1"],
    ["FWM 8 IPv6", "VI_6"],
    ["UDP [2001:db8::100]:53", "VI_6"],
  ]);
  expect(services.filter(({ forChecks }) => !forChecks).map(({ service }) => service)).toEqual(
    told.map(([service]) => service),
  );
});

test("services that only checks go through are told from the stack's own", () => {
  const { services } = configOf((stack) => {
    stack.virtualServers[0].checks = [{ type: "tcp", throughVirtualAddress: true }];
  });
  expect(services.filter(({ forChecks }) => forChecks)).toHaveLength(2);
  expect(services.filter(({ forChecks }) => !forChecks).map(({ name }) => name)).toEqual(["web"]);
});

test("an HTTP check says what is to be asked for, and what is right", () => {
  const { services } = configOf((stack) => {
    stack.virtualServers[0].checks = [
      {
        type: "https",
        virtualHost: "www.example.com",
        urls: [{ path: "/health?a=1", status: [200, "301-302"] }],
      },
    ];
  });
  expect(services[0]?.realServers[0]?.check).toEqual({
    tls: true,
    path: "/health?a=1",
    virtualHost: "www.example.com",
    statusCodes: ["200", "301-302"],
  });
});
