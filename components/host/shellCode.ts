// What of a shell script's text does something.

/**
 * A POSIX shell script without its comment lines and its blank lines: two texts with the same code do the same.
 * A line that could be part of a string or of a here-document stays, and so does every comment that is not a line of its own. A text
 * with anything in it that is not understood here comes back whole: too much code costs a run of a step, too little would miss a change.
 */
export function shellCode(text: string): string {
  const kept: string[] = [];
  const place: Place = { inside: [], documents: [], continued: false };
  for (const [i, line] of text.split("\n").entries()) {
    const free = place.inside.length + place.documents.length === 0 && !place.continued;
    const isProgram = i === 0 && line.startsWith("#!");
    if (!free || isProgram || !/^[ \t]*(#.*)?$/.test(line)) kept.push(line);
    if (!pass(line, place)) return text;
  }
  const ended = place.inside.length + place.documents.length === 0;
  return ended ? `${kept.join("\n")}\n` : text;
}

/** Where a line begins. */
interface Place {
  /** What is open, the innermost last: a string, a `$(` or a `(` in one, a `${`. */
  inside: ("'" | '"' | "(" | "{")[];
  /** Here-documents whose lines follow, in order. */
  documents: { end: string; quoted: boolean; tabs: boolean }[];
  /** The line before ends in a backslash. */
  continued: boolean;
}

/** Goes on to the next line; false where the line is not understood. */
function pass(line: string, place: Place): boolean {
  const [document] = place.documents;
  if (document === undefined) return passCode(line, place);
  if ((document.tabs ? line.replace(/^\t+/, "") : line) === document.end) place.documents.shift();
  // Of these, the next line is a part, even if it looks like the end; or it depends on the shell.
  else if (!document.quoted && /\\$|`|\$\(/.test(line)) return false;
  return true;
}

const blanks = " \t";
const operators = ";&|()<>";

function passCode(line: string, place: Place): boolean {
  const { inside } = place;
  // Whether a # would begin a comment here: only where a word begins.
  let wordBegins = true;
  if (place.continued && line.startsWith("#")) return false;
  place.continued = false;
  for (let i = 0; i < line.length; i++) {
    const [c = "", rest] = [line[i], line.slice(i)];
    const open = inside.at(-1);
    const began = wordBegins;
    wordBegins = (blanks + operators).includes(c);
    if (open === "'") {
      if (c === "'") inside.pop();
    } else if (c === "\\") {
      i++;
      place.continued = i === line.length;
    } else if (c === "`") {
      return false;
    } else if (rest.startsWith("$(") || rest.startsWith("${")) {
      inside.push(rest.startsWith("$(") ? "(" : "{");
      i++;
      wordBegins = rest.startsWith("$(");
    } else if (c === '"') {
      if (open === "{" && inside.includes('"')) return false;
      if (open === '"') inside.pop();
      else inside.push('"');
    } else if (open === '"') {
      continue;
    } else if (open === "{") {
      // Whether a string begins depends on what is around, and on the shell.
      if (c === "'") return false;
      if (c === "}") inside.pop();
    } else if (rest.startsWith("$'") || rest.startsWith(")#")) {
      return false;
    } else if (c === "'") {
      inside.push("'");
    } else if (c === "#" && began) {
      break;
    } else if (rest.startsWith("<<")) {
      const document = /^<<(-?)[ \t]*(?:'([\w.]+)'|([\w.]+))(?=$|[ \t;&|)<>])/.exec(rest);
      if (document === null || open !== undefined) return false;
      const [whole, tabs, quoted, plain = ""] = document;
      place.documents.push({
        end: quoted ?? plain,
        quoted: quoted !== undefined,
        tabs: tabs === "-",
      });
      i += whole.length - 1;
    } else if (open === "(") {
      // A pattern of it may end in a ) that closes nothing.
      if (began && /^case\b/.test(rest)) return false;
      if (c === "(") inside.push("(");
      if (c === ")") inside.pop();
    }
  }
  return place.documents.length === 0 || (inside.length === 0 && !place.continued);
}
