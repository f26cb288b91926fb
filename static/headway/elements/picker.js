/**
 * Moving through a list and selecting in it, by keys and by hand: `j k` move, `x` and `Ctrl`-click
 * and a box select, `Shift` with any of them selects a range, `Enter` opens, `.` shows what is new,
 * `Esc` clears, `a` leads to what can be done with the selection.
 *
 * @typedef {object} Host the list
 * @property {import ("../page.js").Page} page
 * @property {() => Element|null} bulk the bar that is there while something is selected
 * @property {() => string[]} order the ids as they are shown
 * @property {() => string} total how many match, as a text; empty where it is not known
 * @property {() => string} query
 * @property {(id: string) => import ("../types.js").TaskRow|undefined} row
 * @property {() => number} waiting how many new rows wait
 * @property {(id: string) => string} urlOf
 * @property {() => void} refresh
 * @property {() => void} changed the cursor or the selection is another
 * @property {(place: number) => HTMLElement|undefined} reveal brings a row into view
 */

import { isTyping, part, setText, show } from "../dom.js";
import * as format from "../format.js";
import { fill } from "../words.js";
import { copyText } from "./copy.js";
import { Selection } from "./selection.js";

export class Picker {
  /** @type {Host} */
  #host;

  selection = new Selection();
  /** @type {import ("./bulk.js").Bulk} */
  #actions;

  /**
   * @param {Host} host
   * @param {typeof import ("./bulk.js").Bulk} Actions on what is selected
   */
  constructor(host, Actions) {
    this.#host = host;
    this.#actions = new Actions(host, this.selection);
  }

  /**
   * @param {HTMLElement} body
   * @param {AbortSignal} signal
   */
  listen(body, signal) {
    const bulk = this.#host.bulk();
    body.addEventListener("click", (event) => this.#click(event), { signal });
    body.addEventListener("focusout", ({ relatedTarget: next }) => {
      if (!(next instanceof Element && body.contains(next))) queueMicrotask(() => this.#host.changed());
    }, { signal });
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#allBox(body)?.addEventListener("change", () => this.#selectAll(body), { signal });
    this.#actions.listen(signal, () => this.show());
    bulk?.querySelector("[data-clear]")?.addEventListener("click", () => this.#clear(), { signal });
    bulk?.querySelector("[data-copy-ids]")?.addEventListener("click", () => this.#copy(), { signal });
  }

  /** Something is selected, or somebody is at a row with the keys: it stays where it is, as it does under a pointer. */
  get isAtWork() {
    return this.selection.size > 0 || (document.activeElement?.matches("headway-task-list tbody :focus-visible") ?? false);
  }

  /** Writes the bar. */
  show() {
    const { page, waiting } = this.#host;
    const bulk = this.#host.bulk();
    if (!bulk) return;
    const words = page.words.page;
    show(bulk, this.selection.size > 0);
    this.#actions.show(page.words);
    setText(part(bulk, "waiting"), waiting() ? fill(words.held, { count: format.number(waiting()) }) : "");
  }

  /** @param {HTMLElement} body @returns {HTMLInputElement|null} the box above all others */
  #allBox(body) {
    return body.closest("table")?.querySelector("[data-pick-all]") ?? null;
  }

  /** @param {HTMLElement} body */
  #selectAll(body) {
    if (this.#allBox(body)?.checked) this.selection.addAll(this.#host.order());
    else this.selection.clear();
    this.#changed();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    if (!(event.target instanceof Element)) return;
    const id = event.target.closest("tr")?.dataset.id;
    if (!id) return;
    const cell = event.target.closest(".c-pick");
    // A box changes by itself; a label's click comes again as that of its box.
    if (cell && event.target instanceof HTMLInputElement) return this.#select(id, event.shiftKey);
    if (cell || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.#select(id, event.shiftKey);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isTyping(event)) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      j: () => this.#move(1),
      k: () => this.#move(-1),
      x: () => this.#atCursor((id) => this.#select(id, false)),
      X: () => this.#atCursor((id) => this.#select(id, true)),
      Enter: () => this.#atCursor((id) => this.#open(id, event)),
      ".": () => this.#host.refresh(),
      Escape: () => this.#clear(),
    };
    keys[event.key]?.();
    this.#actions.key(event);
  }

  /** @param {(id: string) => void} act */
  #atCursor(act) {
    const { cursor } = this.selection;
    if (cursor !== null && this.#host.order().includes(cursor)) act(cursor);
  }

  /** @param {number} step */
  #move(step) {
    const place = this.selection.move(step, this.#host.order());
    if (place >= 0) this.#focus(place);
  }

  /** @param {number} place of a row; the first one where there is none such */
  #focus(place) {
    const row = this.#host.reveal(Math.max(0, place));
    this.#host.changed();
    row?.querySelector("a")?.focus({ preventScroll: true });
  }

  /**
   * @param {string} id
   * @param {boolean} isRange
   */
  #select(id, isRange) {
    if (isRange) this.selection.extend(id, this.#host.order());
    else this.selection.toggle(id);
    this.#changed();
  }

  #clear() {
    const hadFocus = this.#host.bulk()?.contains(document.activeElement);
    if (this.selection.clear()) this.#changed();
    // The bar is gone: back to the rows.
    if (hadFocus) this.#focus(this.#host.order().indexOf(this.selection.cursor ?? ""));
  }

  #changed() {
    this.#actions.reset();
    this.show();
    this.#host.changed();
  }

  #copy() {
    copyText(this.selection.inOrder(this.#host.order()).join("\n"), this.#host.page);
  }

  /**
   * @param {string} id
   * @param {KeyboardEvent} event a focused link or button answers Enter by itself
   */
  #open(id, event) {
    if (event.target instanceof Element && event.target.closest("a, button, summary")) return;
    location.assign(this.#host.urlOf(id));
  }
}
