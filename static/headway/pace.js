/**
 * When to draw: at once after quiet, and under load no oftener than leaves the tab free for people.
 *
 * What arrives is kept true elsewhere and acknowledged at once; only the drawing waits, and draws
 * everything that came meanwhile.
 *
 * @typedef {{now: () => number, setTimeout: (run: () => void, ms: number) => number,
 *   clearTimeout: (timer: number) => void, requestAnimationFrame: (run: () => void) => number}} Outside
 *   `now` in milliseconds of a clock that never goes back
 */

/** After so long without drawing the page is quiet: a change is shown without waiting. */
const QUIET_MS = 200;
/** One batch of the server comes in several frames; about one frame of the screen gathers them. */
const GATHER_MS = 15;
/** Drawing and rendering get half of the time, the rest is for people and the feed. */
const REST = 1;
/** Text that changes is hardly read oftener than five times a second: longer than that nobody waits for it. */
const LONGEST_REST_MS = 200;

export class Pace {
  /** @type {() => void} */
  #draw;
  /** @type {Outside} */
  #outside;
  #timer = 0;
  #isAsked = false;
  #drawnAt = -QUIET_MS;
  #restUntil = 0;

  /**
   * @param {() => void} draw
   * @param {Outside} outside
   */
  constructor(draw, outside) {
    this.#draw = draw;
    this.#outside = outside;
  }

  /** Something is to be drawn, soon. */
  ask() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const now = this.#outside.now();
    this.#wait(now - this.#drawnAt >= QUIET_MS ? 0 : Math.max(GATHER_MS, this.#restUntil - now));
  }

  /** Draws no more, unless asked again. */
  stop() {
    this.#outside.clearTimeout(this.#timer);
    this.#isAsked = false;
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#timer = this.#outside.setTimeout(() => this.#wake(), ms);
  }

  #wake() {
    const began = this.#outside.now();
    if (began < this.#restUntil) return this.#wait(this.#restUntil - began);
    this.#isAsked = false;
    this.#draw();
    this.#drawnAt = this.#outside.now();
    const drawing = this.#drawnAt - began;
    this.#rest(drawing);
    this.#onceRendered((rendering) => this.#rest(drawing + rendering));
  }

  /** @param {number} spent milliseconds on what was just drawn */
  #rest(spent) {
    this.#restUntil = this.#outside.now() + Math.min(LONGEST_REST_MS, REST * spent);
  }

  /**
   * Tells how long style, layout and painting took. A hidden tab renders nothing and never tells.
   *
   * @param {(ms: number) => void} tell
   */
  #onceRendered(tell) {
    const { now, setTimeout, requestAnimationFrame } = this.#outside;
    requestAnimationFrame(() => {
      const began = now();
      setTimeout(() => tell(now() - began), 0);
    });
  }
}
