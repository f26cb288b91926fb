/**
 * The server's own sentences in the page's language. What comes by the socket is told to every
 * viewer in the same English; `#headway-words` has the patterns with their translations, none on an
 * English page. The same text gives the same in `dashboard/said.py`; `tests/vectors/said.json`
 * holds both to it.
 */

const MAX_LENGTH = 2000;
const DEPTH = 3;
const PLACE = /%\((\w+)\)s/;

/** @typedef {{pattern: RegExp, names: string[], told: string}} Known */

/** @type {WeakMap<Record<string, string>, Known[]>} */
const made = new WeakMap();

/** @param {Record<string, string>} patterns */
function compiled(patterns) {
  const known = made.get(patterns);
  if (known) return known;
  const all = Object.entries(patterns).map(([english, told]) => {
    const parts = english.split(PLACE);
    const source = parts.map((part, place) => (place % 2 ? "(.*?)" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))).join("");
    return { pattern: new RegExp(`^${source}$`, "s"), names: parts.filter((_, place) => place % 2), told };
  });
  made.set(patterns, all);
  return all;
}

/**
 * @param {string} text
 * @param {Record<string, string>|undefined} patterns English with `%(name)s` places -> the same in the page's language
 * @param {number} [depth]
 * @returns {string} as it is where it is not known
 */
export function said(text, patterns, depth = DEPTH) {
  const bare = text.trim();
  if (!patterns || !bare || !depth || bare.length > MAX_LENGTH) return text;
  for (const { pattern, names, told } of compiled(patterns)) {
    const match = pattern.exec(bare);
    if (!match) continue;
    const values = Object.fromEntries(names.map((name, place) => [name, said(match[place + 1] ?? "", patterns, depth - 1)]));
    return text.replace(bare, () => told.replace(/%\((\w+)\)s/g, (_, key) => values[key] ?? ""));
  }
  const parts = bare.split("; ");
  return parts.length === 1 ? text : parts.map((part) => said(part, patterns, depth - 1)).join("; ");
}
