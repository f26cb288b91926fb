/**
 * Keeps only the rows near the viewport in a table's body; two spacer rows stand for the others,
 * so that the scroll bar tells the truth and the table stays a table. A row that is no longer near
 * becomes the next one that is: under load rows come and go by the hundred.
 */

/** Rows kept above and below the viewport: a page of them, few enough to be cheap. */
const MARGIN = 20;
const USUAL_HEIGHT_PX = 36;

export class VirtualRows {
  /** @type {HTMLTableSectionElement} */
  #body;
  /** @type {(id: string, used: HTMLElement|undefined) => HTMLElement} */
  #make;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {Map<string, number>} */
  #heights = new Map();
  /** @type {[HTMLTableRowElement, HTMLTableRowElement]} */
  #spacers;
  #estimate = USUAL_HEIGHT_PX;
  #width = 0;
  #top = 0;
  #viewport = 0;
  #head = 0;

  /** Whether the page was scrolled when it was rendered last. */
  isScrolled = false;
  /** First and one past the last place that has DOM. */
  range = { from: 0, until: 0 };
  /** The place of the first row in view. */
  first = 0;

  /**
   * @param {HTMLTableSectionElement} body its rows with `data-id` are taken over
   * @param {(id: string, used: HTMLElement|undefined) => HTMLElement} make `used`: a row to write over
   */
  constructor(body, make) {
    this.#body = body;
    this.#make = make;
    for (const row of body.querySelectorAll("tr[data-id]")) {
      if (row instanceof HTMLElement) this.#rows.set(row.dataset.id ?? "", row);
    }
    this.#spacers = [spacer(), spacer()];
    body.prepend(this.#spacers[0]);
    body.append(this.#spacers[1]);
  }

  /** @param {string} id its row, where it has one now */
  get(id) {
    return this.#rows.get(id);
  }

  /** @returns {Iterable<[string, HTMLElement]>} */
  entries() {
    return this.#rows.entries();
  }

  /**
   * Makes the DOM hold the rows of `ids` that are near the viewport, in order.
   *
   * @param {string[]} ids
   */
  render(ids) {
    this.#look();
    this.#forgetHeights(ids);
    const { above, below } = this.#choose(ids);
    const wanted = ids.slice(this.range.from, this.range.until);
    const used = this.#drop(new Set(wanted));
    /** @type {Set<Element>} */
    const unused = new Set(used);
    let before = this.#spacers[0];
    for (const id of wanted) {
      const row = this.#rows.get(id) ?? this.#add(id, used.pop());
      unused.delete(row);
      // A row that is moved loses the focus: those that are no longer needed are passed over.
      if (next(before, unused) !== row) before.after(row);
      before = /** @type {HTMLTableRowElement} */ (row);
    }
    for (const row of unused) row.remove();
    setHeight(this.#spacers[0], above);
    setHeight(this.#spacers[1], below);
  }

  /** Forgets every row, as another pattern makes other ones. */
  reset() {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#heights.clear();
  }

  /**
   * Brings a place to the top, below what stays there.
   *
   * @param {string[]} ids
   * @param {number} place
   */
  raise(ids, place) {
    // Rows that come into being are measured, which moves those below them: the second look is true.
    for (let look = 0; look < 2; look++) {
      const offset = ids.slice(0, place).reduce((sum, id) => sum + this.#height(id), 0);
      window.scrollTo({ top: window.scrollY + this.#body.getBoundingClientRect().top + offset - this.#headHeight, behavior: "instant" });
      this.render(ids);
      this.#measure();
    }
  }

  get #headHeight() {
    return this.#body.closest("table")?.tHead?.offsetHeight ?? 0;
  }

  /**
   * Brings a place into view, whether it has DOM or not.
   *
   * @param {string[]} ids
   * @param {number} place
   */
  reveal(ids, place) {
    const id = ids[place];
    if (id === undefined) return;
    if (!this.#rows.has(id)) {
      const offset = ids.slice(0, place).reduce((sum, other) => sum + this.#height(other), 0);
      window.scrollTo({ top: window.scrollY + this.#body.getBoundingClientRect().top + offset - window.innerHeight / 2 });
      this.render(ids);
    }
    this.#rows.get(id)?.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} id */
  #height(id) {
    return this.#heights.get(id) ?? this.#estimate;
  }

  /** Reads all that is measured, before the first write: heights are those of the rows as they stand. */
  #look() {
    this.#viewport = window.innerHeight;
    this.#top = -this.#body.getBoundingClientRect().top;
    this.#head = this.#headHeight;
    this.isScrolled = window.scrollY !== 0;
    if (this.#width !== window.innerWidth) {
      this.#width = window.innerWidth;
      this.#heights.clear();
    }
    this.#measure();
  }

  /** @param {string[]} ids */
  #choose(ids) {
    const top = this.#top;
    const bottom = top + this.#viewport;
    let y = 0;
    let first = ids.length;
    let last = 0;
    this.first = ids.length;
    const ends = ids.map((id, place) => {
      const start = y;
      y += this.#height(id);
      if (y >= top && first === ids.length) first = place;
      if (start <= bottom) last = place + 1;
      if (y > top + this.#head && this.first === ids.length) this.first = place;
      return y;
    });
    this.range = { from: Math.max(0, Math.min(first, last) - MARGIN), until: Math.min(ids.length, Math.max(last, 1) + MARGIN) };
    const { from, until } = this.range;
    const above = from > 0 ? /** @type {number} */ (ends[from - 1]) : 0;
    return { above, below: y - (until > 0 ? /** @type {number} */ (ends[until - 1]) : 0) };
  }

  /**
   * @param {string} id
   * @param {HTMLElement|undefined} used
   */
  #add(id, used) {
    const row = this.#make(id, used);
    this.#rows.set(id, row);
    return row;
  }

  /**
   * Lets go of the other rows; they stay in place until they are written over or removed.
   *
   * @param {Set<string>} wanted
   * @returns {HTMLElement[]} those that may be written over: not the one that has the focus
   */
  #drop(wanted) {
    const used = [];
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      this.#rows.delete(id);
      if (row.contains(document.activeElement)) row.remove();
      else used.push(row);
    }
    return used;
  }

  #measure() {
    let sum = 0;
    for (const [id, row] of this.#rows) {
      const height = this.#heights.get(id) ?? row.offsetHeight;
      if (height) this.#heights.set(id, height);
      sum += height;
    }
    if (this.#rows.size && sum) this.#estimate = sum / this.#rows.size;
  }

  /** @param {string[]} ids rows that left the list need no height */
  #forgetHeights(ids) {
    if (this.#heights.size <= 2 * ids.length + MARGIN) return;
    const listed = new Set(ids);
    for (const id of this.#heights.keys()) if (!listed.has(id)) this.#heights.delete(id);
  }
}

/**
 * @param {Element} element
 * @param {Set<Element>} unused
 * @returns {Element|null} the one after it, of those that stay
 */
function next(element, unused) {
  let found = element.nextElementSibling;
  while (found && unused.has(found)) found = found.nextElementSibling;
  return found;
}

/** One cell is enough for the height; more than there are columns in sight would make new ones. */
function spacer() {
  const row = document.createElement("tr");
  row.dataset.spacer = "";
  row.hidden = true;
  row.setAttribute("aria-hidden", "true");
  const cell = document.createElement("td");
  row.append(cell);
  return row;
}

/**
 * @param {HTMLTableRowElement} row
 * @param {number} height
 */
function setHeight(row, height) {
  const cell = /** @type {HTMLTableCellElement} */ (row.firstElementChild);
  row.hidden = height < 1;
  cell.style.height = `${height}px`;
  cell.style.padding = "0";
  cell.style.border = "0";
}
