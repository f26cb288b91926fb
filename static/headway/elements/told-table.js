/**
 * `<headway-told-table data-told="headway-queues">`: the rows of one view as they change, in lists
 * that the server wrote first. The JSON under that id is the page's declaration:
 *
 * - `of`, `key`, `limit`: the view, what names its rows, how many
 * - `cells`: what stands in a row (`cells.js`); `words`, `links`, `viewer`, `can`: what they need
 * - `only`: by list, the rows that it takes up (`cells.matches`); the others take up all
 * - `tallies`: by name, the rows that are counted there, in the words under that name
 * - `grows`: newest on top, nothing ever goes; `order`: by these fields; `where`: values to match
 *
 * Nothing moves under the pointer: rows keep their places until the page is loaded anew, what came
 * or went at the top waits until the pointer has left.
 *
 * @typedef {{of: string, key: string, limit?: number, cells: import("../cells.js").Cells,
 *   words: Record<string, string>, links: Record<string, string>, viewer: string, can: string[],
 *   only: Record<string, string[]>, tallies: Record<string, string[]>, grows: boolean,
 *   order: string[], where: Record<string, string>}} Told
 */

import { stampTime } from "../asof.js";
import { paint } from "../bind.js";
import * as cells from "../cells.js";
import { pageData, part, setAttribute, setText, show, stamp } from "../dom.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";
import { storeSource } from "../sources.js";
import { Store } from "../store.js";
import { fill } from "../words.js";

/** So many rows a list grows to; the page of older ones follows its end. */
const MAX_GROWN = 1000;

export class ToldTableElement extends PageElement {
  /** @type {Told} */
  told = pageData(this.dataset.told ?? "");
  /** @type {Store<any>} */
  store = new Store((row) => String(row[this.told.key]));
  #source = storeSource(this.store, () => this.#spec(), (refusal) => this.#refuse(refusal.message));
  /** @type {Set<string>|null} the keys that the view held last */
  #seen = null;
  #abort = new AbortController();

  connectedCallback() {
    const { signal } = this.#abort = new AbortController();
    this.told = pageData(this.dataset.told ?? "");
    signal.addEventListener("abort", this.store.listen(() => this.render()));
    signal.addEventListener("abort", stampTime(part(this, "asof"), this.page));
    this.addEventListener("pointerleave", () => this.store.cursor && this.render(), { signal });
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.page.feed.open(this.#source);
  }

  disconnectedCallback() {
    this.#abort.abort();
    this.page.feed.close(this.#source);
  }

  #spec() {
    const { of, limit } = this.told;
    return limit ? { of, limit } : { of };
  }

  /** @param {string} message */
  #refuse(message) {
    const failed = this.querySelector("[data-failed]");
    if (failed) setText(part(failed, "text"), message);
    show(failed, true);
  }

  /** The rows of the view, in the order of the page. */
  rows() {
    const { order, where } = this.told;
    const rows = this.store.values().filter((row) => Object.entries(where).every(([field, value]) => row[field] === value));
    return order.length ? rows.sort((a, b) => compare(a, b, order)) : rows;
  }

  render() {
    const rows = this.rows();
    const { told, page } = this;
    const setting = { ...told, now: page.ticker.shownAt(), common: page.words, most: cells.most(rows, told.cells) };
    if (told.grows) this.#closeHole();
    for (const list of this.querySelectorAll("[data-list]")) {
      const name = list.getAttribute("data-list") ?? "";
      this.#renderList(name, list, rows, (row) => cells.line(row, told.cells, setting));
    }
    for (const [name, only] of Object.entries(told.tallies)) this.#renderTally(name, rows.filter((row) => cells.matches(row, only)).length);
    const isEmpty = rows.length === 0 && !(told.grows && this.querySelector("[data-key]"));
    for (const element of this.querySelectorAll("[data-none]")) show(element, isEmpty);
    for (const element of this.querySelectorAll("[data-some]")) show(element, !isEmpty);
  }

  /** @param {string} name @param {number} count */
  #renderTally(name, count) {
    setText(this.querySelector(`[data-tally="${name}"]`), count ? fill(this.told.words[name], { count: format.number(count) }) : "");
  }

  /** Too much came at once to be told: what is shown begins anew, without a gap in it. */
  #closeHole() {
    const keys = new Set(this.store.values().map((row) => String(row[this.told.key])));
    const seen = this.#seen ?? (Object.keys(this.told.where).length ? null : new Set([...this.querySelectorAll("[data-key]")].map((row) => row.getAttribute("data-key") ?? "")));
    this.#seen = keys;
    if (!seen?.size || !keys.size || [...keys].some((key) => seen.has(key))) return;
    for (const row of this.querySelectorAll("[data-list] > [data-key]")) row.remove();
    this.#offerReload();
  }

  /** The link to older rows went on below those that are gone now. */
  #offerReload() {
    show(part(this, "older"), false);
    show(part(this, "reload"), true);
  }

  /**
   * @param {string} name
   * @param {Element} list
   * @param {any[]} rows
   * @param {(row: any) => import("../cells.js").Row} lineOf
   */
  #renderList(name, list, rows, lineOf) {
    const { key, only, grows } = this.told;
    const held = new Map([...list.children].map((element) => [element.getAttribute("data-key"), element]));
    const taken = rows.filter((row) => held.has(String(row[key])) || cells.matches(row, only[name] ?? []));
    const mayMove = !this.matches(":hover");
    const fresh = taken.filter((row) => !held.has(String(row[key])));
    for (const row of taken) {
      const element = held.get(String(row[key]));
      if (element) this.paintRow(element, row, lineOf(row));
      held.delete(String(row[key]));
    }
    if (!grows || mayMove) this.#insert(list, name, fresh, lineOf);
    show(part(this, "waiting"), grows && !mayMove && fresh.length > 0);
    setText(part(this, "waiting"), fill(this.page.words.page.new, { count: fresh.length }));
    if (grows) return;
    for (const gone of held.values()) {
      if (mayMove) gone.remove();
      else setAttribute(gone, "data-gone", "");
    }
  }

  /**
   * @param {Element} list
   * @param {string} name
   * @param {any[]} rows
   * @param {(row: any) => import("../cells.js").Row} lineOf
   */
  #insert(list, name, rows, lineOf) {
    const template = this.querySelector(`template[data-row="${name}"]`);
    if (!(template instanceof HTMLTemplateElement)) return;
    const elements = rows.map((row) => {
      const element = stamp(template);
      setAttribute(element, "data-key", String(row[this.told.key]));
      this.paintRow(element, row, lineOf(row));
      return element;
    });
    if (!this.told.grows) {
      list.append(...elements);
      return;
    }
    list.prepend(...elements);
    if (list.children.length <= MAX_GROWN) return;
    while (list.children.length > MAX_GROWN) list.lastElementChild?.remove();
    this.#offerReload();
  }

  /**
   * @param {Element} element
   * @param {any} row
   * @param {import("../cells.js").Row} line
   */
  paintRow(element, row, line) {
    setAttribute(element, "data-gone", null);
    paint(element, line);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const button = event.target instanceof Element ? event.target.closest("button[data-post]") : null;
    if (button instanceof HTMLButtonElement) this.#post(button);
  }

  /** What the button asks for, and what came of it in words. @param {HTMLButtonElement} button */
  async #post(button) {
    const { words } = this.told;
    button.disabled = true;
    const message = await post(button.getAttribute("data-post") ?? "").catch(() => words.unreachable ?? "");
    button.disabled = false;
    if (message) this.#refuse(message);
    this.page.announce(message || (button.dataset.said ?? ""));
  }
}

/**
 * @param {any} a
 * @param {any} b
 * @param {string[]} order fields, each from the highest to the lowest; ids that are numbers as such
 */
function compare(a, b, order) {
  for (const field of order) {
    const [x, y] = [a[field], b[field]].map((value) => (Number.isNaN(Number(value)) ? value : Number(value)));
    if (x !== y) return x < y ? 1 : -1;
  }
  return 0;
}

/**
 * @param {string} url
 * @returns {Promise<string>} why it was refused, empty where it was not
 */
async function post(url) {
  const token = document.querySelector('meta[name="headway-csrf"]')?.getAttribute("content") ?? "";
  const headers = { "content-type": "application/json", "x-csrftoken": token };
  const response = await fetch(url, { method: "POST", body: "{}", headers, credentials: "same-origin" });
  if (response.ok) return "";
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? `${response.status} ${response.statusText}`;
}
