/**
 * Parts of a page that only the server knows how to write: read again when what they tell of has
 * changed, and put in the place of ours. One with `data-keep` keeps itself up to date, and is only
 * filled where it was empty.
 */

import { localise } from "./dom.js";
import { fetchPage } from "./fetching.js";
import { keepFocus } from "./focus.js";

export class Panels {
  /** @type {Element} */
  #root;
  #pauseMs;
  #timer = 0;
  #readAt = 0;
  #isStale = false;

  /**
   * @param {Element} root holds the elements with `data-panel`
   * @param {number} pauseMs what changes several times within it is read once
   */
  constructor(root, pauseMs) {
    this.#root = root;
    this.#pauseMs = pauseMs;
  }

  /** Has them read, soon. */
  expire() {
    this.#isStale = true;
    if (this.#timer) return;
    const wait = Math.max(0, this.#readAt + this.#pauseMs - performance.now());
    this.#timer = window.setTimeout(() => this.#read(), wait);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#isStale = false;
  }

  async #read() {
    this.#readAt = performance.now();
    this.#isStale = false;
    // A server that is away is the badge's affair; the next change asks again.
    const page = await fetchPage(location.href).catch(() => null);
    if (page && this.#root.isConnected) this.#swap(page);
    this.#timer = 0;
    if (this.#isStale) this.expire();
  }

  /** @param {Document} page */
  #swap(page) {
    for (const theirs of page.querySelectorAll("main [data-panel]")) {
      const name = CSS.escape(theirs.getAttribute("data-panel") ?? "");
      const ours = this.#root.querySelector(`[data-panel="${name}"]`);
      if (!ours || (ours.hasAttribute("data-keep") && ours.childElementCount > 0)) continue;
      const copy = document.importNode(theirs, true);
      localise(copy);
      keepOpen(ours, copy);
      if (ours.isEqualNode(copy)) continue;
      const giveBack = keepFocus(ours);
      ours.replaceWith(copy);
      giveBack(copy);
    }
  }
}

/**
 * What somebody unfolded stays unfolded.
 *
 * @param {Element} ours
 * @param {Element} theirs
 */
function keepOpen(ours, theirs) {
  const folds = theirs.querySelectorAll("details");
  for (const [place, fold] of [...ours.querySelectorAll("details")].entries()) {
    const other = folds[place];
    if (other && other.querySelector("summary")?.textContent === fold.querySelector("summary")?.textContent) other.open = fold.open;
  }
}
