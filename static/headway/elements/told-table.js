/**
 * `<headway-told-table data-told="headway-queues">`: the rows of one view as they change, in lists
 * that the server wrote first. The JSON under that id is the page's declaration:
 *
 * - `of`, `key`, `limit`: the view, what names its rows, how many
 * - `cells`: what stands in a row (`cells.js`); `words`, `links`, `viewer`, `can`: what they need
 * - `only`: by list, the rows that it takes up (`cells.matches`); the others take up all
 * - `shown`: by list, how many of those
 * - `tallies`: by name, the rows that are counted there, in the words under that name
 * - `keeps`: what a list has taken up stays though it no longer matches
 * - `grows`: newest on top, nothing ever goes; `order`: by these fields; `where`: values to match
 *
 * Nothing moves under the pointer, nor under the keyboard: rows keep their places until the page is
 * loaded anew, what came or went at the top waits until the pointer, or the focus, has left them.
 *
 * @typedef {{of: string, key: string, limit?: number, cells: import ("../cells.js").Cells,
 *   words: Record<string, string>, links: Record<string, string>, viewer: string, can: string[],
 *   only: Record<string, string[]>, shown: Record<string, number>, tallies: Record<string, string[]>, grows: boolean, keeps: boolean,
 *   order: string[], where: Record<string, string>}} Told
 */

import { caller, fault } from "../actions.js";
import { stampTime } from "../asof.js";
import { paint } from "../bind.js";
import * as cells from "../cells.js";
import { pageData, part, setAttribute, setText, show, stamp } from "../dom.js";
import { keepFocus } from "../focus.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";
import { said } from "../said.js";
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
  #source = storeSource(this.store, () => this.#spec(), (refusal) => this.#refuse(said(refusal.message, this.page.words.said)));
  /** @type {Set<string>|null} the keys that the view held last */
  #seen = null;
  /** @type {Set<string>|null} rows to paint, null for all */
  #news = null;
  #most = "";
  #mayMove = true;
  #abort = new AbortController();

  connectedCallback() {
    const { signal } = this.#abort = new AbortController();
    this.told = pageData(this.dataset.told ?? "");
    signal.addEventListener("abort", this.store.listen((change) => this.#take(change)));
    signal.addEventListener("abort", stampTime(part(this, "asof"), this.page));
    this.addEventListener("pointerleave", () => this.store.cursor && this.render(), { signal });
    this.addEventListener("focusout", ({ relatedTarget: next }) => {
      if (next instanceof Element && next.closest("[data-list]") && this.contains(next)) return;
      queueMicrotask(() => this.isConnected && this.store.cursor && this.render());
    }, { signal });
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

  /** @param {string} message empty when there is nothing more to say */
  #refuse(message) {
    const failed = this.querySelector("[data-failed]");
    if (failed) setText(part(failed, "text"), message);
    show(failed, message !== "");
  }

  /** The rows of the view, in the order of the page. */
  rows() {
    const { order, where } = this.told;
    const rows = this.store.values().filter((row) => Object.entries(where).every(([field, value]) => row[field] === value));
    return order.length ? rows.sort((a, b) => compare(a, b, order)) : rows;
  }

  /** @param {{changed: Set<string>, isSnapshot: boolean}} change */
  #take({ changed, isSnapshot }) {
    this.#news = isSnapshot || this.hasSharedCells ? null : changed;
    this.render();
    this.#news = null;
  }

  /** Whether what stands in a row depends on the others, beyond shares of the highest. */
  get hasSharedCells() {
    return false;
  }

  /** @param {boolean} [isAsked] whether what waits may come in under the pointer */
  render(isAsked = false) {
    const rows = this.rows();
    const giveBack = keepFocus(this);
    this.#mayMove = isAsked || !this.#isHeld;
    const { told, page } = this;
    const setting = { ...told, now: page.ticker.shownAt(), common: page.words, most: cells.most(rows, told.cells) };
    const most = JSON.stringify(setting.most);
    if (most !== this.#most) this.#news = null;
    this.#most = most;
    if (told.grows) this.#closeHole();
    for (const list of this.querySelectorAll("[data-list]")) {
      const name = list.getAttribute("data-list") ?? "";
      this.#renderList(name, list, rows, (row) => cells.line(row, told.cells, setting));
    }
    for (const [name, only] of Object.entries(told.tallies)) this.#renderTally(name, rows.filter((row) => cells.matches(row, only)).length);
    const isEmpty = !this.querySelector('[data-list="rows"] > [data-key]');
    for (const element of this.querySelectorAll("[data-none]")) show(element, isEmpty);
    for (const element of this.querySelectorAll("[data-some]")) show(element, !isEmpty);
    giveBack();
  }

  /** Somebody is at work here, with the pointer or at a row with the keys: nothing comes under their hands. */
  get #isHeld() {
    return this.matches(":hover") || this.querySelector("[data-list] :focus-visible") !== null;
  }

  /** @param {string} name @param {number} count */
  #renderTally(name, count) {
    setText(this.querySelector(`[data-tally="${name}"]`), count ? fill(this.told.words[name], { count: format.number(count) }) : "");
  }

  /** More came since rows were taken up than a view holds: what is shown begins anew, without a gap. */
  #closeHole() {
    if (!this.#mayMove) return;
    const keys = new Set(this.store.values().map((row) => String(row[this.told.key])));
    const seen = this.#seen ?? this.#written();
    this.#seen = keys;
    if (!seen.size || !keys.size || [...keys].some((key) => seen.has(key))) return;
    for (const row of this.querySelectorAll("[data-list] > [data-key]")) row.remove();
    this.#offerReload();
  }

  /** The keys that the server wrote; of a filtered list they tell nothing of the view. */
  #written() {
    const rows = Object.keys(this.told.where).length ? [] : [...this.querySelectorAll("[data-key]")];
    return new Set(rows.map((row) => row.getAttribute("data-key") ?? ""));
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
   * @param {(row: any) => import ("../cells.js").Row} lineOf
   */
  #renderList(name, list, rows, lineOf) {
    const { key, only, shown, grows, keeps } = this.told;
    const held = new Map([...list.children].map((element) => [element.getAttribute("data-key"), element]));
    const isHeld = (/** @type {any} */ row) => held.has(String(row[key]));
    const matching = rows.filter((row) => (keeps && isHeld(row)) || cells.matches(row, only[name] ?? []));
    // Where only some fit, those that are shown stay.
    const taken = [...matching.filter(isHeld), ...matching.filter((row) => !isHeld(row))].slice(0, shown[name]);
    const fresh = taken.filter((row) => !isHeld(row));
    for (const row of taken) {
      const element = held.get(String(row[key]));
      if (element && (this.#news?.has(String(row[key])) ?? true)) this.paintRow(element, row, lineOf(row));
      held.delete(String(row[key]));
    }
    if (!grows || this.#mayMove) this.#insert(list, name, fresh, lineOf);
    if (grows) {
      this.#renderWaiting(this.#mayMove ? 0 : fresh.length);
      return;
    }
    for (const gone of held.values()) {
      if (this.#mayMove) gone.remove();
      else setAttribute(gone, "data-gone", "");
    }
  }

  /** @param {number} count of rows that wait for the pointer to leave */
  #renderWaiting(count) {
    const button = part(this, "waiting");
    show(button, count > 0);
    if (count) setText(button, fill(this.page.words.page.new, { count }));
  }

  /**
   * @param {Element} list
   * @param {string} name
   * @param {any[]} rows
   * @param {(row: any) => import ("../cells.js").Row} lineOf
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
   * @param {import ("../cells.js").Row} line
   */
  paintRow(element, row, line) {
    setAttribute(element, "data-gone", null);
    paint(element, line);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button?.dataset.part === "waiting") this.render(true);
    if (button?.dataset.post) this.#post(button);
  }

  /** What the button asks for, and what came of it in words. @param {HTMLButtonElement} button */
  async #post(button) {
    const token = () => document.querySelector('meta[name="headway-csrf"]')?.getAttribute("content") ?? "";
    if (button.getAttribute("aria-disabled")) return;
    // A disabled button would lose the focus.
    setAttribute(button, "aria-disabled", "true");
    const answer = await caller("", token, (url, init) => fetch(url, init)).post({ path: button.dataset.post ?? "", body: {} });
    setAttribute(button, "aria-disabled", null);
    const message = answer.status === 200 ? "" : fault(answer, this.page.words);
    this.#refuse(message);
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
