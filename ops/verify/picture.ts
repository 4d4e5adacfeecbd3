// Draws the result of verify for a person: host by host, with the lines that differ.
import type { Colors } from "picocolors/types";
import { count } from "../words";
import { printableIn } from "../printable";
import type { Drift, Verification, VerifiedHost } from "./verify";

/** Draws the result; `colors` are picocolors', switched on or off. */
export function picture(found: Verification, colors: Colors): string {
  const { hosts } = printableIn(found);
  const drifted = hosts.filter(({ drifts }) => (drifts?.length ?? 0) > 0);
  const silent = hosts.filter(({ unreachable }) => unreachable !== null);
  const drifts = drifted.flatMap((host) => host.drifts ?? []);
  const untold = hosts.filter(({ unknown }) => (unknown?.length ?? 0) > 0);
  const unknown = untold.flatMap((host) => host.unknown ?? []);
  return [
    ...hosts.flatMap((host) => hostLines(host, colors)),
    "",
    ...(drifts.length > 0
      ? [
          colors.red(
            `${count(drifts.length, "thing")} on ${count(drifted.length, "host")} ${drifts.length === 1 ? "is" : "are"} not as the stack says`,
          ),
        ]
      : []),
    ...(unknown.length > 0
      ? [
          colors.red(
            `${count(unknown.length, "thing")} on ${count(untold.length, "host")} could not be compared`,
          ),
        ]
      : []),
    ...(silent.length > 0
      ? [colors.red(`${count(silent.length, "host")} could not be asked`)]
      : []),
    ...(drifts.length + unknown.length + silent.length === 0
      ? [colors.green("● every host is as the stack says")]
      : []),
  ].join("\n");
}

/** One difference from the stack, with its diff. */
function driftLines({ resource, title, diff }: Drift, colors: Colors): string[] {
  return [
    `  ${colors.red("✘")} ${colors.bold(title)} ${colors.dim(`(${resource})`)}`,
    ...diff.map((line) => `      ${paint(line, colors)}`),
  ];
}

function hostLines(host: VerifiedHost, colors: Colors): string[] {
  const { name, unreachable, checked } = host;
  const drifts = host.drifts ?? [];
  const unknown = host.unknown ?? [];
  const notes = host.notes ?? [];
  const state =
    unreachable !== null
      ? colors.red(`unreachable: ${unreachable}`)
      : drifts.length > 0
        ? colors.red(`${drifts.length} of ${String(checked)} things differ`)
        : unknown.length > 0
          ? colors.red(`${unknown.length} of ${String(checked)} things could not be compared`)
          : `${colors.green("●")} ${String(checked)} things are as the stack says`;
  return [
    `${colors.bold(name)}  ${state}`,
    ...drifts.flatMap((drift) => driftLines(drift, colors)),
    ...unknown.map(
      ({ title, resource, why }) =>
        `  ${colors.red("?")} ${colors.bold(title)} ${colors.dim(`(${resource})`)} could not be compared: ${why}`,
    ),
    ...notes.map((note) => `  ${colors.yellow("▲")} ${note}`),
  ];
}

function paint(line: string, colors: Colors): string {
  if (line.startsWith("-")) return colors.green(line);
  return line.startsWith("+") ? colors.red(line) : line;
}
