// Formats figures and times for a person.

/** Formats seconds: `4 s`, `12 min`, `2 h 13 min`, `5 d 3 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const units: [string, number][] = [
    ["d", Math.floor(whole / 86400)],
    ["h", Math.floor(whole / 3600) % 24],
    ["min", Math.floor(whole / 60) % 60],
    ["s", whole % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  if (first < 0) return "0 s";
  return units
    .slice(first, first + (first < 2 ? 2 : 1))
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count} ${unit}`)
    .join(" ");
}

/** Formats a count: `950`, `12.3k`, `4.1M`. */
export function figure(value: number): string {
  const scales: [string, number][] = [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e4],
  ];
  for (const [letter, least] of scales) {
    if (value < least) continue;
    const scaled = value / (letter === "k" ? 1e3 : least);
    return `${scaled < 100 ? scaled.toFixed(1) : Math.round(scaled)}${letter}`;
  }
  return String(Math.round(value));
}

/** Formats bytes: `512 B`, `1.5 MiB`. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[unit] ?? ""}`;
}

/** Formats a share: `12 %`, `0.01 %`. */
export function percent(part: number, whole: number): string {
  const value = whole === 0 ? 0 : (100 * part) / whole;
  return `${value === 0 || value >= 10 ? Math.round(value) : value.toPrecision(1)} %`;
}

/** Formats a count with its noun: `1 host`, `2 hosts`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
