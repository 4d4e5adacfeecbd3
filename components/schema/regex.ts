// Regular expressions of checks: of what JavaScript takes, what PCRE2 takes for certain, too.

/** PCRE2 has a group that is counted written out, in 64 KiB: a character takes 9 bytes at most. */
const longest = 2000;

/**
 * True where PCRE2 takes the expression. keepalived compiles it as it loads its config, says nothing of an error in the test, and
 * goes on with freed memory: prepare_regex() in check_http.c.
 */
export function isRegex(pattern: string): boolean {
  try {
    // Whether parentheses match and ranges go up.
    new RegExp(pattern);
  } catch {
    return false;
  }
  let rest = pattern.replace(escapeOrClass, "xxxx");
  for (let before = ""; before !== rest && rest.length <= longest;) {
    before = rest;
    rest = rest.replace(innermostGroup, (_, body: string, count = "") =>
      "x".repeat(Math.max(1, Math.min(longest + 1, body.length * timesOf(String(count))))),
    );
  }
  return rest.length <= longest && plain.test(rest);
}

/** How often a quantifier has its group written out. */
function timesOf(quantifier: string): number {
  return Math.max(1, ...[...quantifier.matchAll(/\d+/g)].map(Number));
}

/** ec984192: what keepalived keeps of a body that has come in part is counted wrong then, which the checked server can use. */
export function looksBehind(pattern: string): boolean {
  return /\(\?<[=!]|(?<!\\)(?:\\\\)*\\[ABb]/.test(pattern);
}

/** Whether the expression has ^ or $ as what stands at an end of something. */
export function hasAnchors(pattern: string): boolean {
  return /[$^]/.test(pattern.replace(escapeOrClass, "x"));
}

/**
 * Whether a match could take in more where it ends. keepalived has PCRE2 match in parts, and at the end of an answer waits for more of it
 * then: the match is never counted (check_regex() in check_http.c).
 */
export function canGoOn(pattern: string): boolean {
  const endsOpen = (alternatives: string) =>
    alternatives.split("|").some((alternative) => openEnd.test(alternative));
  let rest = pattern.replace(escapeOrClass, "x");
  for (let before = ""; before !== rest;) {
    before = rest;
    rest = rest.replace(/\((\?[:=!])?([^()]*)\)/gu, (_, kind: string | undefined, body: string) =>
      kind === "?!" || endsOpen(body) ? open : "x",
    );
  }
  return endsOpen(rest);
}

/** Stands for a group that can go on. No pattern has it: it is a control character. */
const open = "\x01";
const openEnd = new RegExp(`([*+?]|\\{\\d+,\\d*\\}|${open}(\\{\\d+\\})?)$`, "u");

const punctuation = "[ -/:-@[-\\x60{-~]";
const escape = `\\\\(?:[dDsSwWnrt]|x[0-9A-Fa-f]{2}|${punctuation})`;
const character = `(?:\\\\(?:x[0-7][0-9A-Fa-f]|${punctuation})|[ -,./-Z^-~])`;
const named =
  "\\[:\\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\\]";
const item = `${named}|${character}-${character}(?!-)|${escape}|[^\\\\[\\]-]`;
// A class that is empty is closed by the next bracket in PCRE2, and [:digit:] is an error outside of another.
const characterClass = `\\[(?!\\^?\\]|([:.=])[^\\]]*\\1\\])\\^?-?(?:${item})*-?\\]`;
const escapeOrClass = new RegExp(`${escape}|${characterClass}`, "gu");

const quantifier = "(?:[*+?]|\\{\\d{1,3}(?:,\\d{0,3})?\\})\\??";
const atom = "(?:[^\\\\()[{|$^*+?]|\\{(?![\\d, ]))";
const sequence = `(?:[$^|]|${atom}(?:${quantifier})?)*`;
const plain = new RegExp(`^${sequence}$`, "u");
const innermostGroup = new RegExp(`\\((?:\\?[:=!])?(${sequence})\\)(${quantifier})?`, "gu");
