/**
 * The one script of a page: makes what its elements share, and defines them.
 */

import { localise, pageData, setText } from "./dom.js";
import { ActionsElement } from "./elements/actions.js";
import { BadgeElement } from "./elements/badge.js";
import { ChartElement } from "./elements/chart.js";
import { listenForCopies } from "./elements/copy.js";
import { listenForKeys } from "./elements/keys.js";
import { OverviewElement } from "./elements/overview.js";
import { listenForPopovers } from "./elements/popovers.js";
import { QueryElement } from "./elements/query.js";
import { paintTabs } from "./elements/tabs.js";
import { TaskListElement } from "./elements/task-list.js";
import { TaskElement } from "./elements/task.js";
import { listenForTheme } from "./elements/theme.js";
import { WorkerListElement } from "./elements/worker-list.js";
import { Feed } from "./feed.js";
import { PageElement } from "./page.js";
import { Ticker } from "./ticker.js";
import { listenForUpdates } from "./update.js";
import { listenForVisits } from "./visit.js";
import { merge } from "./words.js";

/** @param {string} name */
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? null;

const now = () => Date.now() / 1000;

/** @param {string} path */
function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** Says something in the page's one polite region; cleared first, so that the same text is said again. */
function announce(/** @type {string} */ text) {
  const region = document.querySelector("[data-announce]");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => setText(region, text), 50);
}

/** @param {string} path */
function start(path) {
  const feed = new Feed({
    connect: () => new WebSocket(socketUrl(path)),
    now,
    random: Math.random,
    setTimeout: (run, ms) => window.setTimeout(run, ms),
    clearTimeout: (timer) => window.clearTimeout(timer),
    isHidden: () => document.hidden,
  });
  const ticker = new Ticker(document, { now, setInterval: (run, ms) => window.setInterval(run, ms), clearInterval: (timer) => window.clearInterval(timer) });
  const page = { feed, ticker, words: merge(pageData("headway-words")), announce };
  PageElement.page = page;

  listenForUpdates(page);
  listenForCopies(document, page);
  document.addEventListener("headway:counts", (event) => paintTabs(document, /** @type {CustomEvent} */ (event).detail.counts));
  document.addEventListener("visibilitychange", () => {
    ticker.setHidden(document.hidden);
    feed.wake();
  });
  addEventListener("online", () => feed.wake());

  customElements.define("headway-actions", ActionsElement);
  customElements.define("headway-badge", BadgeElement);
  customElements.define("headway-chart", ChartElement);
  customElements.define("headway-overview", OverviewElement);
  customElements.define("headway-query", QueryElement);
  customElements.define("headway-task-list", TaskListElement);
  customElements.define("headway-task", TaskElement);
  customElements.define("headway-worker-list", WorkerListElement);
  feed.start();
  if (document.hidden) feed.wake();
}

localise(document);
listenForTheme(document, meta("headway-root") ?? "/");
listenForKeys(document);
listenForPopovers(document);
listenForVisits();
const path = meta("headway-live");
if (path !== null) start(path);
