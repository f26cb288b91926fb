/**
 * The one clock of a page: once a second it writes every age, running time and countdown whose
 * text has changed.
 *
 * `data-age` and `data-since` hold the instant (Unix seconds) to count from, as an age or as a
 * running time; `data-until` the one to count down to, with `data-pattern` and `data-due` for the
 * words around it.
 *
 * @typedef {{now: () => number, setInterval: (run: () => void, ms: number) => number,
 *   clearInterval: (timer: number) => void}} Clock `now` in Unix seconds
 */

import { setText } from "./dom.js";
import * as format from "./format.js";
import * as outcome from "./outcome.js";

const SELECTOR = "[data-age], [data-since], [data-until]";

/**
 * @param {Record<string, string|undefined>} data the `data-` attributes of an element
 * @param {number} now
 */
export function reading(data, now) {
  if (data.since) return format.duration(now - Number(data.since));
  if (data.age) return format.age(now - Number(data.age));
  return outcome.at({ text: "", until: Number(data.until), pattern: data.pattern ?? "%(time)s", due: data.due ?? "" }, now);
}

export class Ticker {
  /** @type {ParentNode} */
  #root;
  /** @type {Clock} */
  #clock;
  /** @type {number|null} */
  #timer = null;
  #isLive = true;
  #isHidden = false;
  /** Server time minus ours, in seconds: ages are the server's truth. */
  #skew = 0;
  /** @type {number|null} */
  #shownAt = null;

  /**
   * @param {ParentNode} root
   * @param {Clock} clock
   */
  constructor(root, clock) {
    this.#root = root;
    this.#clock = clock;
  }

  /** The server's time, as well as it is known. */
  now() {
    return this.#clock.now() + this.#skew;
  }

  /** The instant that every time on the page is shown as of: what is painted between two ticks
   * agrees with what was painted before. */
  shownAt() {
    return this.#shownAt ?? this.now();
  }

  /** @param {number} serverTime Unix seconds */
  align(serverTime) {
    if (Number.isFinite(serverTime)) this.#skew = serverTime - this.#clock.now();
  }

  /** @param {boolean} isLive what is not live must not look as if it went on */
  setLive(isLive) {
    this.#isLive = isLive;
    this.#run();
  }

  /** @param {boolean} isHidden */
  setHidden(isHidden) {
    this.#isHidden = isHidden;
    this.#run();
  }

  tick() {
    const now = this.now();
    this.#shownAt = now;
    for (const element of this.#root.querySelectorAll(SELECTOR)) {
      if (element instanceof HTMLElement || element instanceof SVGElement) setText(element, reading(element.dataset, now));
    }
  }

  #run() {
    const mustRun = this.#isLive && !this.#isHidden;
    if (mustRun === (this.#timer !== null)) return;
    if (this.#timer !== null) this.#clock.clearInterval(this.#timer);
    this.#timer = mustRun ? this.#clock.setInterval(() => this.tick(), 1000) : null;
    if (mustRun) this.tick();
  }
}
