/**
 * The terms of a query as the query bar shows them. Only the cutting is done here: what a term
 * means, and whether it is right, the server says.
 *
 * @typedef {{text: string, key: string, value: string, at: number, until: number}} Term
 *   `key` with its `-` and `:`, empty for a bare word; `at` and `until` are offsets in the query
 * @typedef {{word: string, description: string, values?: string[]}} Word a key of the language
 * @typedef {{text: string, description: string}} Suggestion
 */

/** More would not be read. */
const MAX_SUGGESTIONS = 12;

/**
 * Cuts a query at its blanks, where they are not inside quotes.
 *
 * @param {string} query
 * @returns {Term[]}
 */
export function split(query) {
  return [...query.matchAll(/(?:"(?:[^"\\]|\\.)*"?|[^\s"])+/g)].map((match) => {
    const text = match[0];
    const [, key = ""] = /^(-?[a-z_]+(?:\.[^\s:"]+)?:)/.exec(text) ?? [];
    return { text, key, value: text.slice(key.length), at: match.index, until: match.index + text.length };
  });
}

/**
 * @param {string[]} terms
 */
export function join(terms) {
  return terms.map((term) => term.trim()).filter(Boolean).join(" ");
}

/**
 * The query without one of its terms.
 *
 * @param {string} query
 * @param {number} index
 */
export function without(query, index) {
  return join(split(query).filter((_, i) => i !== index).map((term) => term.text));
}

/**
 * The term that a position of the query lies in, -1 for none.
 *
 * @param {string} query
 * @param {number} at
 */
export function termAt(query, at) {
  return split(query).findIndex((term) => term.at <= at && at < Math.max(term.until, term.at + 1));
}

/** @param {string} value */
const quoted = (value) => (/[\s",]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value);

/** Words whose values the server knows. */
const KNOWN = new Set(["name", "queue", "worker", "owner", "label"]);

/**
 * What the term that is being typed asks the server for; null where it asks for nothing it knows.
 *
 * @param {string} typed
 * @returns {{of: string, starts: string}|null}
 */
export function asking(typed) {
  const [, of = "", values = ""] = /^-?([a-z]+):(.*)$/is.exec(typed) ?? [];
  if (!KNOWN.has(of.toLowerCase()) || /[*\\]/.test(values)) return null;
  return { of: of.toLowerCase(), starts: lastValue(values).replaceAll('"', "") };
}

/** @param {string} values the one that is being typed: what follows the last comma outside quotes */
const lastValue = (values) => /(?:"(?:[^"\\]|\\.)*"?|[^",])*$/.exec(values)?.[0] ?? "";

/**
 * Whether a term is not finished yet, so that it is too early to call it wrong.
 *
 * @param {string} typed
 */
export const isUnfinished = (typed) => /[-:,\\]$/.test(typed) || (typed.match(/"/g)?.length ?? 0) % 2 === 1;

/**
 * A query cut in three where it is wrong.
 *
 * @param {string} query
 * @param {{at: number, until: number}} fault in characters, as the server counts them
 */
export function marked(query, { at, until }) {
  const characters = [...query];
  const end = Math.max(until, at + 1);
  const cut = (/** @type {number} */ from, /** @type {number} */ to) => characters.slice(from, to).join("");
  return { before: cut(Math.max(0, at - 60), at), mark: cut(at, end) || "\u00a0", after: cut(end, end + 60) };
}

/**
 * How the term that is being typed may go on: keys first, then the values of a key, those that are
 * known on the page before those that the server told.
 *
 * @param {string} typed
 * @param {Word[]} words
 * @param {string[]} [told] what the server knows to complete it
 * @returns {Suggestion[]}
 */
export function suggest(typed, words, told = []) {
  const sign = typed.startsWith("-") ? "-" : "";
  const rest = typed.slice(sign.length).toLowerCase();
  const colon = rest.indexOf(":");
  if (colon < 0) {
    return words.filter(({ word }) => word.startsWith(rest)).slice(0, MAX_SUGGESTIONS)
      .map(({ word, description }) => ({ text: `${sign}${word}`, description }));
  }
  const word = words.find((candidate) => candidate.word === rest.slice(0, colon + 1));
  if (!word) return [];
  const last = lastValue(rest.slice(colon + 1));
  const start = typed.slice(0, typed.length - last.length);
  const bare = last.replaceAll('"', "");
  const known = (word.values ?? []).filter((value) => value.toLowerCase().startsWith(bare));
  return [...new Set([...known, ...told])].filter((value) => value.toLowerCase() !== bare)
    .slice(0, MAX_SUGGESTIONS).map((value) => ({ text: start + quoted(value), description: "" }));
}
