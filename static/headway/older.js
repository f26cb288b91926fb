/**
 * Reads the pages below a list from the HTTP API.
 *
 * @typedef {import ("./types.js").TaskRow} TaskRow
 */

/** Enough to reach below a live window that moved on since its cursor was made. */
const OVERLAP = 2;
const MAX_LIMIT = 500;

const INSTANTS = ["eta", "expires", "retry_at", "at"];

/**
 * RFC 3339 as Unix seconds, to the microsecond: rows of one millisecond keep their order.
 *
 * @param {string} text
 */
export function instant(text) {
  const [, whole = text, fraction = "", zone = ""] = /^(.*?\d\d:\d\d:\d\d)(\.\d+)?(.*)$/.exec(text) ?? [];
  return Date.parse(whole + zone) / 1000 + Number(fraction || 0);
}

/**
 * What the API sends, with its instants as the socket sends them.
 *
 * @param {any} value
 * @param {string} [key]
 * @returns {any}
 */
export function fromApi(value, key = "") {
  if (Array.isArray(value)) return value.map((item) => fromApi(item));
  if (typeof value === "string") return key.endsWith("_at") || INSTANTS.includes(key) ? instant(value) : value;
  if (value === null || typeof value !== "object") return value;
  // Arguments are the host's own data: nothing in them is an instant of ours.
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, name === "args" || name === "kwargs" ? item : fromApi(item, name)]));
}

export class OlderPages {
  #url;
  #limit;
  /** @type {typeof fetch} */
  #fetch;
  /** @type {string|null} */
  #after;
  /** The last row of the page that `#after` goes on from. @type {string|undefined} */
  #tail;
  #isBusy = false;

  /**
   * @param {{url: string, query: string, limit: number, after: string|null, tail: string|undefined}} start
   *   `after`: the cursor below the row `tail`
   * @param {typeof fetch} fetcher
   */
  constructor({ url, query, limit, after, tail }, fetcher) {
    this.#url = new URL(url);
    if (query) this.#url.searchParams.set("query", query);
    this.#limit = limit;
    this.#after = after;
    this.#tail = tail;
    this.#fetch = fetcher;
  }

  get isBusy() {
    return this.#isBusy;
  }

  /**
   * Whether there may be rows below the last one that is shown.
   *
   * @param {string|undefined} last
   * @param {boolean} isFull the live window holds as many rows as it can
   */
  hasMore(last, isFull) {
    return last === this.#tail ? this.#after !== null : isFull;
  }

  /**
   * The rows below the last one that is shown. A cursor that belongs to another row is of no use;
   * then the newest rows are read once more, far enough to go on below them.
   *
   * @param {string|undefined} last
   * @returns {Promise<TaskRow[]>}
   * @throws {Error} with the server's reason
   */
  async next(last) {
    this.#isBusy = true;
    try {
      return await this.#read(last);
    } catch (error) {
      // Not asked again until the list has another end.
      [this.#after, this.#tail] = [null, last];
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }

  /** @param {string|undefined} last */
  async #read(last) {
    const isNext = this.#after !== null && last === this.#tail;
    const url = new URL(this.#url);
    if (isNext) url.searchParams.set("after", /** @type {string} */ (this.#after));
    url.searchParams.set("limit", String(Math.min(MAX_LIMIT, isNext ? this.#limit : this.#limit * OVERLAP)));
    const response = await this.#fetch(url, { headers: { accept: "application/json" } });
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(body.detail ?? body.title ?? `${response.status}`);
    const rows = body.items.map((/** @type {unknown} */ item) => fromApi(item));
    this.#after = body.after;
    this.#tail = rows.at(-1)?.id ?? last;
    return rows;
  }
}
