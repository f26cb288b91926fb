/**
 * Keeps the page's address at the row that is on top, and brings a list back to it.
 *
 * @typedef {{first_seen_at: number, id: string}} Key
 * @typedef {object} Host the list
 * @property {() => string[]} order the ids as they are shown
 * @property {(id: string) => Key|undefined} row
 * @property {() => number} top the place of the first row in view, 0 while the page is not scrolled
 * @property {() => Promise<boolean>} more reads older rows; whether there may be more of them
 * @property {(place: number) => void} reveal brings a row to the top
 */

import * as place from "../place.js";
import { newestFirst } from "../store.js";

/** A browser takes a hundred changes of the address in half a minute. */
const NOTE_MS = 400;
/** Pages that are read to come back to a row: what lies deeper is shown as a page of its own. */
const MAX_PAGES = 10;

export class Anchor {
  /** @type {Host} */
  #host;
  #timer = 0;
  #isBusy = false;

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
  }

  /** The list was scrolled, or its rows are others. */
  note() {
    if (this.#timer || this.#isBusy) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.#write();
    }, NOTE_MS);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  #write() {
    const top = this.#host.top();
    const row = top > 0 ? this.#host.row(this.#host.order()[top] ?? "") : undefined;
    const kept = place.kept(location.hash);
    const wanted = row ? place.cursor(row) : "";
    if (wanted !== kept) history.replaceState(history.state, "", place.withPlace(location.href, wanted));
  }

  /** Goes to the row that the address keeps, reading as far as it lies. */
  async restore() {
    const text = place.kept(location.hash);
    const key = place.key(text);
    if (!key) return;
    this.#isBusy = true;
    try {
      for (let page = 0; !this.#reach(key) && page < MAX_PAGES; page++) if (!(await this.#host.more())) break;
      const found = this.#find(key);
      if (found >= 0) return this.#host.reveal(found);
      const url = new URL(location.href);
      url.hash = "";
      url.searchParams.set("after", text);
      location.replace(url.href);
    } finally {
      this.#isBusy = false;
    }
  }

  /** @param {Key} key whether the list goes down to it */
  #reach(key) {
    return this.#find(key) >= 0;
  }

  /** @param {Key} key the place of that row, or of the next one below where it is gone; -1 for none */
  #find(key) {
    return this.#host.order().findIndex((id) => {
      const row = this.#host.row(id);
      return row !== undefined && newestFirst(row, key) >= 0;
    });
  }
}
