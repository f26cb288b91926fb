/** Which rows of a list are selected, and which one the keyboard is at. */

export class Selection {
  /** @type {Set<string>} */
  #ids = new Set();
  /** Where a range starts. @type {string|null} */
  #anchor = null;

  /** @type {string|null} the row that the keyboard is at */
  cursor = null;

  get size() {
    return this.#ids.size;
  }

  /** @param {string} id */
  has(id) {
    return this.#ids.has(id);
  }

  /**
   * The selected ids in the order of a list.
   *
   * @param {string[]} order
   */
  inOrder(order) {
    return order.filter((id) => this.#ids.has(id));
  }

  /** @param {string} id */
  toggle(id) {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.#anchor = id;
    this.cursor = id;
  }

  /** @param {string[]} order selects all of a list */
  addAll(order) {
    for (const id of order) this.#ids.add(id);
  }

  /** @param {string[]} order */
  hasAll(order) {
    return order.length > 0 && order.every((id) => this.#ids.has(id));
  }

  /**
   * Selects everything from the row that was selected last to this one.
   *
   * @param {string} id
   * @param {string[]} order
   */
  extend(id, order) {
    const start = order.indexOf(this.#anchor ?? id);
    const end = order.indexOf(id);
    if (start < 0 || end < 0) return this.toggle(id);
    for (const other of order.slice(Math.min(start, end), Math.max(start, end) + 1)) this.#ids.add(other);
    this.cursor = id;
  }

  /**
   * Moves the keyboard's row.
   *
   * @param {number} step
   * @param {string[]} order
   * @returns {number} its place, -1 in an empty list
   */
  move(step, order) {
    const place = this.cursor === null ? -1 : order.indexOf(this.cursor);
    const next = place < 0 ? 0 : Math.max(0, Math.min(order.length - 1, place + step));
    this.cursor = order[next] ?? null;
    return this.cursor === null ? -1 : next;
  }

  /** @returns {boolean} whether anything was selected */
  clear() {
    const had = this.#ids.size > 0;
    this.#ids.clear();
    this.#anchor = null;
    return had;
  }
}
