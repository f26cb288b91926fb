/**
 * What every page of ours shares: the feed over a browser's own socket, timers and clock, the
 * ticker, the words and the one polite region.
 *
 * @typedef {import ("./page.js").Page} Page
 */

import { pageData, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { PageElement } from "./page.js";
import { Ticker } from "./ticker.js";
import { merge } from "./words.js";

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

/**
 * Makes what the elements share; the caller defines them, then starts the feed.
 *
 * @param {string} path of the socket
 * @returns {Page}
 */
export function openPage(path) {
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
  document.addEventListener("visibilitychange", () => {
    ticker.setHidden(document.hidden);
    feed.wake();
  });
  addEventListener("online", () => feed.wake());
  return page;
}

/** @param {Page} page */
export function startPage({ feed }) {
  feed.start();
  if (document.hidden) feed.wake();
}
