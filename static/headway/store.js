/**
 * What one view holds: rows by key, kept true by snapshots and patches.
 *
 * Rows are state, not history: applying one twice changes nothing, and one that is older than
 * what is held is passed over. Rows of figures have no revision; the one that came last holds.
 *
 * @typedef {import ("./types.js").SnapshotFrame} SnapshotFrame
 * @typedef {import ("./types.js").PatchFrame} PatchFrame
 * @typedef {import ("./types.js").Counts} Counts
 * @typedef {import ("./types.js").Cursor} Cursor
 */

/**
 * @template {{revision?: number}} Row
 * @typedef {(change: {changed: Set<string>, removed: Set<string>, isSnapshot: boolean, counts: boolean}) => void} Listener
 */

/**
 * Newest first, as the server orders a list of tasks.
 *
 * @param {{id: string, first_seen_at: number}} a
 * @param {{id: string, first_seen_at: number}} b
 */
export function newestFirst(a, b) {
  return b.first_seen_at - a.first_seen_at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

/**
 * Figures have no number of their own: each that comes is news.
 *
 * @param {{revision?: number}|undefined} held
 * @param {{revision?: number}} row
 */
function isSameVersion(held, row) {
  return held?.revision !== undefined && held.revision === row.revision;
}

/** @template {{revision?: number}} Row */
export class Store {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {Map<string, Row>|null} the parts of a snapshot that is not complete yet */
  #incoming = null;
  /** @type {Set<Listener<Row>>} */
  #listeners = new Set();
  /** @type {(row: Row) => string} */
  #key;

  /** @type {Cursor|null} where this view stands, to resume from */
  cursor = null;
  /** @type {Counts|null} */
  counts = null;

  /** @param {(row: Row) => string} key */
  constructor(key) {
    this.#key = key;
  }

  get size() {
    return this.#rows.size;
  }

  /** @param {string} key */
  get(key) {
    return this.#rows.get(key);
  }

  /** @param {string} key */
  has(key) {
    return this.#rows.has(key);
  }

  values() {
    return [...this.#rows.values()];
  }

  /** @param {Listener<Row>} listener */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes the rows that the page came with. Nobody is told: they are on the page already.
   *
   * @param {{epoch: string, revision: number, rows: Row[], counts?: Counts|null}} page
   */
  seed({ epoch, revision, rows, counts }) {
    this.#rows = new Map(rows.map((row) => [this.#key(row), row]));
    this.cursor = { epoch, revision };
    this.counts = counts ?? null;
  }

  /**
   * @param {SnapshotFrame} frame
   * @param {string} epoch the one of the connection that brought it
   */
  snapshot(frame, epoch) {
    if ((frame.part ?? 1) === 1) this.#incoming = new Map();
    const incoming = this.#incoming;
    if (!incoming) return;
    for (const row of frame.rows) incoming.set(this.#key(row), row);
    if (frame.counts) this.counts = frame.counts;
    if ((frame.part ?? 1) < (frame.of ?? 1)) return;

    const old = this.#rows;
    this.#rows = incoming;
    this.#incoming = null;
    this.cursor = { epoch, revision: frame.revision };
    const removed = new Set([...old.keys()].filter((key) => !incoming.has(key)));
    const changed = new Set([...incoming].filter(([key, row]) => !isSameVersion(old.get(key), row)).map(([key]) => key));
    this.#tell({ changed, removed, isSnapshot: true, counts: true });
  }

  /**
   * @param {PatchFrame} frame
   * @param {string} epoch
   */
  patch(frame, epoch) {
    const rows = this.#incoming ?? this.#rows;
    const changed = new Set();
    for (const row of frame.upsert ?? []) {
      const key = this.#key(row);
      const held = rows.get(key);
      if (held?.revision !== undefined && row.revision !== undefined && held.revision >= row.revision) continue;
      rows.set(key, row);
      changed.add(key);
    }
    const removed = new Set((frame.remove ?? []).filter((key) => rows.delete(key)));
    for (const key of removed) changed.delete(key);
    if (frame.counts) this.counts = frame.counts;
    if (this.#incoming) return;
    this.cursor = { epoch, revision: Math.max(frame.revision, this.cursor?.epoch === epoch ? this.cursor.revision : 0) };
    if (changed.size || removed.size || frame.counts) this.#tell({ changed, removed, isSnapshot: false, counts: Boolean(frame.counts) });
  }

  /**
   * Forgets an unfinished snapshot: the connection that carried it is gone.
   */
  interrupt() {
    this.#incoming = null;
  }

  /** @param {Parameters<Listener<Row>>[0]} change */
  #tell(change) {
    for (const listener of this.#listeners) listener(change);
  }
}
