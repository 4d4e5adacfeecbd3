// This test file's lab, with the topology in the file's head, and the lab's functions for it.
import * as loads from "../../lab/load";
import * as labs from "../../lab/lab";
import { type Lab, labOf } from "../../lab/instance";
import * as measures from "../../lab/measure";
import * as services from "../../lab/services";
import * as dumps from "../../lab/tcpdump";
import { findTopology } from "../../lab/topologies";
import * as topologies from "../../lab/topology";
import { labName, readHead } from "./files";

const { testPath } = expect.getState();
if (testPath === undefined) throw new Error("jest has not said which file this is");

/** The head of this test file. */
export const head = readHead(testPath);

const worker = Number(process.env.JEST_WORKER_ID ?? 1);
/** With several labs, each also has a CPU of its own. */
const cpus = process.env.LVS_HA_LABS === undefined ? {} : { cpus: [worker - 1] };

const topology = findTopology(head.topology);

/** The lab of this test file. */
export const lab: Lab = labOf(topology, {
  name: labName(topology.name, worker),
  ...cpus,
});

/** Parts of the lab's topology. */
export const { hosts, virtualIp, client, networks } = topology;
/** The lab's network namespaces. */
export const { namespaces } = lab;
/** The lab's directors. */
export const directors = measures.directorsOf(lab);
/** The lab's real servers. */
export const realServers = measures.realServersOf(lab);
/** The lab's host with a name. @throws Error when there is none */
export const findHost = (name: string) => topologies.findHost(topology, name);

/** Binds a function of the lab to this test file's lab. */
const ofLab =
  <Args extends unknown[], Result>(action: (lab: Lab, ...args: Args) => Result) =>
  (...args: Args): Result =>
    action(lab, ...args);

// The functions of the imported modules, for this test file's lab.
export const onHost = ofLab(labs.onHost);
export const isOn = ofLab(labs.isOn);
export const powerCut = ofLab(labs.powerCut);
export const powerOn = ofLab(labs.powerOn);
export const inOperator = ofLab(labs.inOperator);
export const inClient = ofLab(labs.inClient);
export const labEnv = ofLab(labs.labEnv);
export const guests = ofLab(labs.guests);
export const startLoad = ofLab(loads.startLoad);
export const listen = ofLab(dumps.listen);
export const holders = ofLab(measures.holders);
export const activeDirector = ofLab(measures.activeDirector);
export const ipvsTable = ofLab(measures.ipvsTable);
export const requests = ofLab(measures.requests);
export const ask = ofLab(services.ask);
export const startService = ofLab(services.startService);
export const stopService = ofLab(services.stopService);
export const stopServices = ofLab(services.stopServices);
