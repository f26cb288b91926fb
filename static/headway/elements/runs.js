/**
 * `<headway-runs>`: the last runs of a name, as the server drew them. The bar under the pointer or
 * the focus is read out below; arrows lead from bar to bar, Enter opens.
 */

import { make, part, setAttribute, show } from "../dom.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";

/** @type {Record<string, (place: number, last: number) => number>} */
const STEPS = {
  ArrowLeft: (place) => Math.max(0, place - 1),
  ArrowRight: (place, last) => Math.min(last, place + 1),
  Home: () => 0,
  End: (_, last) => last,
};

export class RunsElement extends PageElement {
  #abort = new AbortController();

  connectedCallback() {
    const { signal } = this.#abort = new AbortController();
    const barOf = (/** @type {Event} */ event) => (event.target instanceof Element ? event.target.closest("svg a") : null);
    this.addEventListener("pointerover", (event) => this.#read(barOf(event)), { signal });
    this.addEventListener("pointerleave", () => this.#read(document.activeElement?.closest("headway-runs svg a") ?? null), { signal });
    this.addEventListener("focusin", (event) => this.#read(barOf(event)), { signal });
    this.addEventListener("focusout", () => this.#read(null), { signal });
    this.addEventListener("keydown", (event) => this.#press(event, barOf(event)), { signal });
  }

  disconnectedCallback() {
    this.#abort.abort();
  }

  get #bars() {
    return [...this.querySelectorAll("svg a")];
  }

  /** @param {Element|null} bar */
  #read(bar) {
    for (const each of this.#bars) setAttribute(each, "class", [each.classList.contains("me") ? "me" : "", each === bar ? "at" : ""].join(" ").trim() || null);
    show(part(this, "tip"), bar !== null);
    show(part(this, "sum"), bar === null);
    if (!(bar instanceof SVGElement)) return;
    const { word = "", runtime = "", at = "" } = bar.dataset;
    part(this, "tip")?.replaceChildren(`${word} · ${runtime} · `, make("time", { title: format.exact(Number(at)) }, format.moment(Number(at))));
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Element|null} bar
   */
  #press(event, bar) {
    const step = STEPS[event.key];
    if (!bar || !step || event.metaKey || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    const bars = this.#bars;
    const next = bars[step(bars.indexOf(bar), bars.length - 1)];
    for (const each of bars) setAttribute(each, "tabindex", each === next ? "0" : "-1");
    if (next instanceof SVGElement) next.focus();
  }
}
