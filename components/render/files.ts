// Several files as one text, so that one command carries them and a preview shows their lines.

/** Several files in one text, each under a header line as tail(1) prints it; `files.sh` takes it apart. */
export function renderFiles(files: Record<string, string[]>): string {
  return Object.entries(files)
    .map(([path, lines]) => [`==> ${path} <==`, ...lines, ""].join("\n"))
    .join("");
}
