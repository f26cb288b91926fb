/**
 * Where in a list somebody is, as the page's address keeps it: the cursor of the row at the top,
 * `#at=…`. It is the cursor that the HTTP API calls `after`, made of the same two values.
 */

const PREFIX = "#at=";

/** @param {number} at JSON of Python writes a float as one, whole or not */
const float = (at) => (Number.isInteger(at) ? `${at}.0` : String(at));

/**
 * @param {{first_seen_at: number, id: string}} row
 * @returns {string}
 */
export function cursor({ first_seen_at: at, id }) {
  const bytes = new TextEncoder().encode(`[${float(at)},${JSON.stringify(id)}]`);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * @param {string} text
 * @returns {{first_seen_at: number, id: string}|null} null for what is no cursor
 */
export function key(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    const [at, id] = JSON.parse(new TextDecoder().decode(bytes));
    return typeof at === "number" && typeof id === "string" ? { first_seen_at: at, id } : null;
  } catch {
    return null;
  }
}

/**
 * The cursor that an address keeps, empty for none.
 *
 * @param {string} hash
 */
export const kept = (hash) => (hash.startsWith(PREFIX) ? hash.slice(PREFIX.length) : "");

/**
 * The address with this cursor, and without any for an empty one.
 *
 * @param {string} href
 * @param {string} text
 */
export function withPlace(href, text) {
  const url = new URL(href);
  url.hash = text ? PREFIX + text : "";
  return url.href;
}
