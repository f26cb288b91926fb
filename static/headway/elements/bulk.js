/**
 * What is done to the selected tasks of a list, or to all that match its query: the buttons of the
 * bar, and the keys `r`, `v` and `c`, which without a selection mean the row that the keyboard is at.
 * `a` leads to the bar: with Tab alone it stands behind all rows there are.
 *
 * @typedef {import ("../acting.js").Action} Action
 * @typedef {import ("../types.js").TaskRow} TaskRow
 * @typedef {object} Host the list
 * @property {() => Element|null} bulk the bar
 * @property {() => string[]} order the ids as they are shown
 * @property {() => string} total how many match, as a text; empty where it is not known
 * @property {() => string} query
 * @property {(id: string) => TaskRow|undefined} row
 */

import { ask, fits } from "../acting.js";
import { part, setAttribute, setText, show } from "../dom.js";
import * as format from "../format.js";
import { fill } from "../words.js";

/** @type {Record<string, Action>} */
const KEYS = { r: "retry", v: "revoke", c: "revoke" };

export class Bulk {
  /** @type {Host} */
  #host;
  /** @type {import ("./selection.js").Selection} */
  #selection;
  /** Whether all that match are meant, and not only those that are shown. */
  #isAll = false;

  /** @param {Host} host @param {import ("./selection.js").Selection} selection */
  constructor(host, selection) {
    this.#host = host;
    this.#selection = selection;
  }

  /**
   * @param {AbortSignal} signal
   * @param {() => void} changed what is meant is more than before
   */
  listen(signal, changed) {
    const bulk = this.#host.bulk();
    bulk?.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-bulk-act]") : null;
      if (button instanceof HTMLElement) this.#act(/** @type {Action} */ (button.dataset.bulkAct));
    }, { signal });
    bulk?.querySelector("[data-all]")?.addEventListener("click", () => {
      this.#isAll = true;
      changed();
      // The button that was pressed is gone.
      this.#focus();
    }, { signal });
  }

  /** The selection is another one. */
  reset() {
    this.#isAll = false;
    const bulk = this.#host.bulk();
    if (bulk) setText(part(bulk, "why"), "");
  }

  /** @param {import ("../words.js").Words} words */
  show({ actions, page }) {
    const bulk = this.#host.bulk();
    if (!bulk) return;
    this.#showBox();
    if (!this.#selection.size) return;
    const count = format.number(this.#selection.size);
    const total = this.#host.total();
    const isMore = total !== "" && total !== count && this.#selection.hasAll(this.#host.order());
    const all = bulk.querySelector("[data-all]");
    setText(part(bulk, "count"), this.#isAll ? fill(actions.all_selected, { count: total }) : fill(page.selected, { count }));
    setText(all, fill(actions.all_matching, { count: total }));
    show(all, isMore && !this.#isAll);
    for (const button of bulk.querySelectorAll("[data-bulk-act]")) this.#showButton(button, actions);
  }

  #showBox() {
    const box = document.querySelector("[data-pick-all]");
    if (!(box instanceof HTMLInputElement)) return;
    box.checked = this.#selection.size > 0 && this.#selection.hasAll(this.#host.order());
    box.indeterminate = this.#selection.size > 0 && !box.checked;
  }

  /** @param {Element} button @param {import ("../words.js").Group} words */
  #showButton(button, words) {
    const action = /** @type {Action} */ (button.getAttribute("data-bulk-act"));
    const why = this.#isAll || this.#states().some((state) => fits(action, state)) ? null : (words[`none_fits_${action}`] ?? "");
    setAttribute(button, "aria-disabled", why === null ? null : "true");
    setAttribute(button, "title", why);
  }

  #states() {
    return this.#selection.inOrder(this.#host.order()).flatMap((id) => {
      const row = this.#host.row(id);
      return row ? [format.look(row).state] : [];
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const action = KEYS[event.key];
    if (action && !event.repeat) this.#act(action);
    if (event.key === "a" && this.#selection.size) this.#focus();
  }

  /** Goes to the first thing that can be done with the selection. */
  #focus() {
    const buttons = this.#host.bulk()?.querySelectorAll("button") ?? [];
    [...buttons].find((button) => !button.hidden)?.focus();
  }

  /** @param {Action} action */
  #act(action) {
    const bulk = this.#host.bulk();
    const button = bulk?.querySelector(`[data-bulk-act="${action}"]`);
    if (!bulk || !button) return;
    if (!this.#selection.size) return this.#actAtCursor(action);
    if (button.getAttribute("aria-disabled")) return setText(part(bulk, "why"), button.getAttribute("title") ?? "");
    if (this.#isAll) return ask(action, { query: this.#host.query() });
    const ids = this.#selection.inOrder(this.#host.order());
    if (ids.length === 1) this.#askAbout(action, ids[0] ?? "");
    else ask(action, { ids });
  }

  /** @param {Action} action */
  #actAtCursor(action) {
    const { cursor } = this.#selection;
    if (cursor !== null && this.#host.order().includes(cursor)) this.#askAbout(action, cursor);
  }

  /** @param {Action} action @param {string} id */
  #askAbout(action, id) {
    const row = this.#host.row(id);
    if (row) ask(action, { id, name: row.name ?? "", state: format.look(row).state });
  }
}
