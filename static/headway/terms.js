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

/**
 * How the term that is being typed may go on: keys first, then the values of a key.
 *
 * @param {string} typed
 * @param {Word[]} words
 * @returns {Suggestion[]}
 */
export function suggest(typed, words) {
  const sign = typed.startsWith("-") ? "-" : "";
  const rest = typed.slice(sign.length).toLowerCase();
  const colon = rest.indexOf(":");
  if (colon < 0) {
    return words.filter(({ word }) => word.startsWith(rest)).slice(0, MAX_SUGGESTIONS)
      .map(({ word, description }) => ({ text: `${sign}${word}`, description }));
  }
  const word = words.find((candidate) => candidate.word === rest.slice(0, colon + 1));
  const before = rest.slice(colon + 1);
  const last = before.slice(before.lastIndexOf(",") + 1);
  const start = typed.slice(0, typed.length - last.length);
  return (word?.values ?? []).filter((value) => value.toLowerCase().startsWith(last) && value.toLowerCase() !== last)
    .slice(0, MAX_SUGGESTIONS).map((value) => ({ text: start + quoted(value), description: "" }));
}
