/**
 * `<headway-task-list>`: the live list of tasks.
 *
 * Takes over the rows that the server rendered, keeps them true from the feed, reads older pages
 * as they are scrolled to, and moves nothing while somebody is looking at it.
 *
 * Attributes: `data-query`, `data-limit`, `data-api` (where older pages are read), `data-url` (a
 * task's page, with `data-url-placeholder` where its id goes), `data-older` (the rows are not the
 * newest ones: they are followed, but no new ones come in).
 *
 * @typedef {import ("../types.js").TaskRow} TaskRow
 * @typedef {Store<TaskRow>} TaskStore
 */

import { pageData, part, setAttribute, setText, show, stamp } from "../dom.js";
import { keepFocus } from "../focus.js";
import * as format from "../format.js";
import { TaskList } from "../list.js";
import { OlderPages } from "../older.js";
import { Pace } from "../pace.js";
import { PageElement } from "../page.js";
import { said } from "../said.js";
import { storeSource } from "../sources.js";
import { Store } from "../store.js";
import { fill } from "../words.js";
import { Anchor } from "./anchor.js";
import { Bulk } from "./bulk.js";
import { Fading } from "./fading.js";
import { Picker } from "./picker.js";
import { paintPick, paintTask } from "./task-row.js";
import { VirtualRows } from "./virtual-rows.js";

/** What waits is said to screen readers no oftener than this. */
const SAY_MS = 30_000;
/** Which rows are followed beyond the live window is looked at no oftener: each change of them is a read of the store. */
const FOLLOW_MS = 300;
/** Older rows are read when this many are left below. */
const READ_AHEAD = 30;
/** The server takes frames of 16 KB; ids are the host's and may be long. */
const MAX_FOLLOWED_LENGTH = 12_000;

/** @returns {TaskStore} */
const newStore = () => new Store((row) => row.id);

/**
 * As many of the ids as fit into a frame.
 *
 * @param {string[]} ids
 * @param {number} length
 */
function within(ids, length) {
  let left = length;
  return ids.filter((id) => (left -= id.length + 3) >= 0);
}

/** How many match, as the current tab says; empty where none is current. */
const currentTotal = () => document.querySelector("a[data-tab][aria-current] b")?.textContent ?? "";

export class TaskListElement extends PageElement {
  /** @type {TaskStore} */
  #live = newStore();
  /** @type {TaskStore} */
  #followed = newStore();
  /** @type {string[]} */
  #followedIds = [];
  /** @type {TaskList} */
  #list = new TaskList(this.#live, 0);
  /** @type {OlderPages|null} */
  #older = null;
  /** @type {VirtualRows|null} */
  #rows = null;
  #picker = this.#newPicker();
  #isHovered = false;
  /** @type {Set<string>} rows to paint */
  #dirty = new Set();
  #pace = new Pace(() => this.#draw(), {
    now: () => performance.now(),
    setTimeout: (run, ms) => window.setTimeout(run, ms),
    clearTimeout: (timer) => window.clearTimeout(timer),
    requestAnimationFrame: (run) => window.requestAnimationFrame(run),
  });
  #fading = new Fading(this);
  #anchor = new Anchor({
    order: () => this.#list.shown,
    row: (id) => this.#list.row(id),
    top: () => (this.#isScrolled ? (this.#rows?.first ?? 0) : 0),
    more: () => this.#readOlder(),
    reveal: (place) => this.#rows?.raise(this.#list.shown, place),
  });
  #saidAt = 0;
  #followTimer = 0;
  #abort = new AbortController();
  /** @type {import ("../feed.js").Source|null} */
  #source = null;
  #followSource = storeSource(this.#followed, () => ({ of: "tasks", ids: this.#followedIds }), () => {});

  get query() {
    return this.dataset.query ?? "";
  }

  get #limit() {
    return Number(this.dataset.limit) || 100;
  }

  connectedCallback() {
    const body = this.querySelector("tbody");
    if (!body) return;
    this.#abort = new AbortController();
    this.#rows = new VirtualRows(body, (id, used) => this.#newRow(id, used));
    this.#followed.listen((change) => this.#takeFollowed(change.changed));
    this.#seed();
    this.#listen(body);
    this.#paintAll();
    this.#render();
    this.#anchor.restore();
  }

  disconnectedCallback() {
    this.#abort.abort();
    this.#pace.stop();
    this.#anchor.stop();
    clearTimeout(this.#followTimer);
    this.#followTimer = 0;
    for (const source of [this.#source, this.#followSource]) if (source) this.page.feed.close(source);
  }

  #seed() {
    const first = pageData("headway-rows") ?? { epoch: "", revision: 0, rows: [], after: null };
    const isOlder = this.dataset.older !== undefined;
    this.#live = newStore();
    if (!isOlder) this.#live.seed(first);
    if (!first.epoch) this.#live.cursor = null;
    this.#list = new TaskList(this.#live, this.#limit);
    if (isOlder) this.#list.append(first.rows);
    this.#startOlder(first.after, first.rows.at(-1)?.id);
    this.#watchLive(this.#live);
    if (isOlder) return;
    this.#source = storeSource(this.#live, () => ({ of: "tasks", query: this.query, limit: this.#limit }), (refusal) => this.#showFailure(said(refusal.message, this.page.words.said)));
    this.page.feed.open(this.#source);
  }

  /** @param {string|null} after @param {string|undefined} tail */
  #startOlder(after, tail) {
    const url = this.dataset.api;
    this.#older = url ? new OlderPages({ url: new URL(url, location.href).href, query: this.query, limit: this.#limit, after, tail }, fetch.bind(window)) : null;
  }

  /** @param {TaskStore} store */
  #watchLive(store) {
    /** @type {Map<string, TaskRow>} */
    const before = new Map(store.values().map((row) => [row.id, row]));
    store.listen(({ changed, removed, counts }) => {
      const gone = new Map([...removed].flatMap((id) => { const row = before.get(id); return row ? [[id, row]] : []; }));
      for (const id of removed) before.delete(id);
      for (const id of changed) before.set(id, /** @type {TaskRow} */ (store.get(id)));
      this.#takeLive({ changed, removed: gone });
      if (counts) this.#showCounts();
    });
  }

  /** @param {{changed: Set<string>, removed: Map<string, TaskRow>}} change */
  #takeLive(change) {
    this.#list.update(change);
    for (const id of change.changed) this.#soil(id);
    this.#pace.ask();
  }

  /** @param {Set<string>} changed */
  #takeFollowed(changed) {
    for (const id of changed) {
      const row = this.#followed.get(id);
      if (row && this.#list.keep(row)) this.#soil(id);
    }
    this.#pace.ask();
  }

  /** @param {string} id a row without DOM is painted when it gets some */
  #soil(id) {
    if (this.#rows?.get(id)) this.#dirty.add(id);
  }

  /** @param {string} message */
  #showFailure(message) {
    const failed = this.querySelector("[data-failed]");
    if (failed) setText(part(failed, "text"), message);
    show(failed, message !== "");
  }

  #showCounts() {
    const { counts } = this.#live;
    if (counts) this.dispatchEvent(new CustomEvent("headway:counts", { bubbles: true, detail: { counts } }));
  }

  /** @param {number} number how many rows of all that match the list goes down to */
  #showShare(number) {
    const total = currentTotal();
    if (total && number) setText(part(this, "shown"), fill(this.page.words.page.shown, { number: format.number(number), total }));
  }

  // --- what must not move

  get #isScrolled() {
    const table = this.querySelector("table");
    return table !== null && !table.hidden && table.getBoundingClientRect().top < -1;
  }

  get #isHeld() {
    return this.#isScrolled || this.#isHovered || this.#picker.isAtWork;
  }

  /** Lets waiting rows in, once nothing keeps them out. */
  #settle() {
    if (this.#list.isStale && !this.#isHeld) this.#draw();
  }

  /** Shows what is true now, from the top. */
  refresh() {
    if (this.dataset.older !== undefined) return;
    const fresh = [...this.#list.pending];
    const giveBack = keepFocus(document.activeElement?.closest("tbody") ?? this);
    this.#list.refresh();
    if (this.#isScrolled) this.scrollIntoView({ block: "start" });
    this.#paintAll();
    this.#render();
    this.#fading.tint(fresh.flatMap((id) => this.#rows?.get(id) ?? []));
    this.#sayPending();
    giveBack();
  }

  #sayPending() {
    const { page } = this.page.words;
    const count = this.#list.pending.size;
    const pill = this.querySelector("[data-new]");
    show(pill, count > 0);
    if (pill && count) setText(part(pill, "text"), fill(page.new, { count: format.number(count) }));
    this.#picker.show();
    if (!count || Date.now() - this.#saidAt < SAY_MS) return;
    this.#saidAt = Date.now();
    this.page.announce(count === 1 ? (page.one_new_said ?? "") : fill(page.new_said, { count: format.number(count) }));
  }

  // --- painting

  /**
   * @param {string} id
   * @param {HTMLElement|undefined} used a row that is no longer needed
   */
  #newRow(id, used) {
    const row = used ?? this.#emptyRow();
    this.#fading.end(row);
    this.#paint(row, id);
    return row;
  }

  #emptyRow() {
    const template = this.querySelector("template[data-row]");
    if (!(template instanceof HTMLTemplateElement)) throw new TypeError("<headway-task-list> needs a <template data-row>");
    return stamp(template);
  }

  /**
   * @param {HTMLElement} element
   * @param {string} id
   */
  #paint(element, id) {
    const row = this.#list.row(id);
    if (!row) return false;
    const { words, ticker } = this.page;
    const isOther = paintTask(element, row, { words, now: ticker.shownAt(), url: this.#urlOf(id) });
    element.classList.toggle("cursor", id === this.#picker.selection.cursor);
    paintPick(element, row, this.#picker.selection.has(id), words);
    return isOther;
  }

  /** @param {string} id */
  #urlOf(id) {
    return (this.dataset.url ?? "").replace(this.dataset.urlPlaceholder ?? "ID_PLACEHOLDER", () => id.split("/").map(encodeURIComponent).join("/"));
  }

  #paintAll() {
    for (const [id, element] of this.#rows?.entries() ?? []) this.#paint(element, id);
  }

  /** What the page measures is read before anything is written: each read after a write would lay it out anew. */
  #draw() {
    if (this.#list.isStale && !this.#isHeld) this.#list.show();
    this.#render();
    this.#fading.show(this.#repaint());
    this.#sayPending();
  }

  /** Writes the rows that changed, and returns those whose state is another. */
  #repaint() {
    const others = [];
    for (const id of this.#dirty) {
      const element = this.#rows?.get(id);
      if (element && this.#paint(element, id)) others.push(element);
    }
    this.#dirty.clear();
    return others;
  }

  #render() {
    const { shown } = this.#list;
    show(this.querySelector("table"), shown.length > 0);
    this.#rows?.render(shown);
    show(this.querySelector("[data-empty]"), shown.length === 0);
    this.#showShare(shown.length);
    this.#follow();
    this.#readAhead();
    this.#anchor.note();
  }

  /** @param {Document} page the server's, with other columns: rows, selection and place stay */
  #takeColumns(page) {
    for (const choice of ["thead", "template[data-row]"]) {
      const ours = this.querySelector(choice);
      const theirs = page.querySelector(`headway-task-list ${choice}`);
      if (ours && theirs) ours.replaceWith(document.importNode(theirs, true));
    }
    setAttribute(this.querySelector("table"), "class", page.querySelector("headway-task-list table")?.className ?? null);
    this.#rows?.reset();
    this.#render();
    this.#picker.show();
  }

  // --- beyond the live window

  #follow() {
    if (this.#followTimer) return;
    this.#followTimer = window.setTimeout(() => {
      this.#followTimer = 0;
      const { from, until } = this.#rows?.range ?? { from: 0, until: 0 };
      this.#followOnly(this.#list.shown.slice(from, until).filter((id) => !this.#list.isLive(id)));
    }, FOLLOW_MS);
  }

  /** @param {string[]} wanted */
  #followOnly(wanted) {
    const ids = within(wanted, MAX_FOLLOWED_LENGTH);
    if (ids.length === this.#followedIds.length && ids.every((id, place) => id === this.#followedIds[place])) return;
    this.page.feed.close(this.#followSource);
    this.#followed.cursor = null;
    this.#followedIds = ids;
    if (ids.length) this.page.feed.open(this.#followSource);
  }

  #readAhead() {
    const { shown } = this.#list;
    if (!this.#rows?.isScrolled || shown.length - this.#rows.range.until > READ_AHEAD) return;
    this.#readOlder();
  }

  /** @returns {Promise<boolean>} whether there may be more below what was read */
  async #readOlder() {
    const older = this.#older;
    const last = this.#list.shown.at(-1);
    const isFull = this.#live.size >= this.#limit;
    if (!older || !last || older.isBusy || !older.hasMore(last, isFull)) return false;
    const { page } = this.page.words;
    this.#sayMore(page.loading ?? "");
    try {
      const rows = await older.next(last);
      if (older !== this.#older) return false;
      this.#list.append(rows);
      const hasMore = older.hasMore(this.#list.shown.at(-1), isFull);
      this.#sayMore(hasMore ? "" : (page.end ?? ""));
      // A costly search may find nothing in what it read: the next scroll lets it go on.
      if (rows.length) this.#render();
      return hasMore;
    } catch (error) {
      const reason = error instanceof TypeError ? page.unreachable : /** @type {Error} */ (error).message;
      this.#sayMore(fill(page.failed, { reason: reason ?? "" }));
      return false;
    }
  }

  /** @param {string} text */
  #sayMore(text) {
    const more = this.querySelector("[data-more]") ?? document.querySelector("[data-more]");
    setText(more, text);
    show(more, text !== "");
  }

  // --- hands

  /** @param {HTMLElement} body */
  #listen(body) {
    const options = { signal: this.#abort.signal, passive: true };
    addEventListener("scroll", () => { this.#pace.ask(); this.#settle(); }, options);
    addEventListener("resize", () => this.#pace.ask(), options);
    // The pill stands above the rows: the way from them to it must not let the new ones in.
    const held = body.closest("section") ?? body;
    held.addEventListener("pointerenter", (event) => { this.#isHovered = event.pointerType === "mouse"; }, options);
    held.addEventListener("pointerleave", () => { this.#isHovered = false; this.#settle(); }, options);
    this.querySelector("[data-new]")?.addEventListener("click", () => this.refresh(), options);
    document.addEventListener("headway:columns", (event) => this.#takeColumns(/** @type {CustomEvent} */ (event).detail.page), options);
    this.#picker.listen(body, this.#abort.signal);
  }

  #newPicker() {
    return new Picker({
      page: this.page,
      bulk: () => this.querySelector("[data-bulk]"),
      order: () => this.#list.shown,
      total: () => currentTotal(),
      query: () => this.query,
      row: (id) => this.#list.row(id),
      waiting: () => this.#list.pending.size,
      urlOf: (id) => this.#urlOf(id),
      refresh: () => this.refresh(),
      changed: () => { this.#paintAll(); this.#settle(); },
      reveal: (place) => {
        this.#rows?.reveal(this.#list.shown, place);
        return this.#rows?.get(this.#list.shown[place] ?? "");
      },
    }, Bulk);
  }
}
