/**
 * Headway's parts in Django admin: the stream badge, the tasks of a list or of one task's page, and
 * the figures of the monitor box, all by the feed that Headway's own pages use.
 *
 * The parts are found by what they carry: `#headway-admin[data-live]`, `[data-headway-task]`,
 * `[data-monitor]`.
 *
 * @typedef {import ("./types.js").TaskRow} TaskRow
 * @typedef {import ("./page.js").Page} Page
 */

import { localise, pageData, part, setAttribute, setText, show } from "./dom.js";
import { BadgeElement } from "./elements/badge.js";
import { listenForPopovers } from "./elements/popovers.js";
import { paintTask } from "./elements/task-row.js";
import * as format from "./format.js";
import { openPage, startPage } from "./live.js";
import { storeSource } from "./sources.js";
import { Store } from "./store.js";

/** What the server lets one view follow. */
const MAX_IDS = 200;

/**
 * The rows of admin's list, or the form of one task's page, by the id of their task.
 *
 * @param {ParentNode} root
 * @returns {Map<string, HTMLElement>}
 */
function shownTasks(root) {
  /** @type {Map<string, HTMLElement>} */
  const found = new Map();
  for (const mark of root.querySelectorAll("[data-headway-task]")) {
    const place = mark.closest("tr, form");
    const id = mark.getAttribute("data-headway-task");
    if (id && place instanceof HTMLElement) found.set(id, place);
  }
  return found;
}

/**
 * Writes the shown tasks as they change. None comes or goes: that is the reader's to ask for.
 *
 * @param {Page} page
 */
function followTasks({ feed, ticker, words }) {
  const places = shownTasks(document);
  const ids = [...places.keys()].slice(0, MAX_IDS);
  if (!ids.length) return;
  /** @type {Store<TaskRow>} */
  const store = new Store((row) => row.id);
  store.listen(({ changed }) => {
    for (const id of changed) {
      const place = places.get(id);
      const row = store.get(id);
      if (place && row) paintTask(place, row, { words, now: ticker.shownAt(), url: "" });
    }
  });
  feed.open(storeSource(store, () => ({ of: "tasks", ids }), () => {}));
}

/**
 * @param {Element} item
 * @param {Record<string, any>} row of the overview
 * @param {number} now
 */
function paintFigure(item, row, now) {
  const name = item.getAttribute("data-figure") ?? "";
  setText(part(item, "count"), format.number(row[name] ?? null));
  setAttribute(item, "data-bad", name === "failed_last_hour" && row[name] > 0 ? "" : null);
  const at = row[`oldest_${name}_at`] ?? null;
  const age = part(item, "age");
  show(part(item, "oldest"), at !== null);
  setAttribute(age, "data-age", at === null ? null : String(at));
  setText(age, at === null ? "" : format.age(now - at));
}

/** @param {Page} page */
function followFigures({ feed, ticker }) {
  const box = document.querySelector("[data-monitor]");
  if (!box) return;
  /** @type {Store<Record<string, any>>} */
  const store = new Store((row) => row.id);
  store.listen(() => {
    const row = store.get("overview");
    if (!row) return;
    for (const item of box.querySelectorAll("[data-figure]")) paintFigure(item, row, ticker.shownAt());
  });
  feed.open(storeSource(store, () => ({ of: "overview" }), () => {}));
}

format.speak(document.documentElement.lang, pageData("headway-words")?.page?.unnamed);
localise(document);
const ours = document.getElementById("headway-admin");
if (ours) listenForPopovers(document, ours);
const path = ours?.dataset.live;
if (path) {
  const page = openPage(path);
  page.feed.onhello = ({ server_time: time }) => page.ticker.align(typeof time === "number" ? time : Date.parse(time) / 1000);
  followTasks(page);
  followFigures(page);
  customElements.define("headway-badge", BadgeElement);
  startPage(page);
}
