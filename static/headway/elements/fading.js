/**
 * The fading tint of rows that changed, as long as there are few of them: where everything changes
 * at once motion points at nothing, and is what costs a tab most. Then `data-busy` is set on the
 * list, and nothing in it moves.
 */

/** As long as the style sheet's animation. */
const TINT_MS = 1600;
const MAX_MOVING = 12;

export class Fading {
  /** @type {HTMLElement} */
  #list;
  #changedOfLate = 0;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {HTMLElement[]} rows that changed just now */
  show(rows) {
    if (!rows.length) return;
    this.#count(rows.length);
    setTimeout(() => this.#count(-rows.length), TINT_MS);
    if (this.#changedOfLate <= MAX_MOVING) this.tint(rows);
  }

  /** @param {HTMLElement[]} rows that somebody asked to see */
  tint(rows) {
    for (const row of rows) row.classList.add("fresh");
    setTimeout(() => { for (const row of rows) this.end(row); }, TINT_MS);
  }

  /** @param {HTMLElement} row stands for another task from now on */
  end(row) {
    row.classList.remove("fresh");
  }

  /** @param {number} more */
  #count(more) {
    this.#changedOfLate += more;
    this.#list.toggleAttribute("data-busy", this.#changedOfLate > MAX_MOVING);
  }
}
