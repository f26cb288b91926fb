/**
 * Another state of the same page, without losing the socket: the server writes the page, its
 * `<main>` takes the place of ours.
 */

import { localise } from "./dom.js";
import { fetchPage } from "./fetching.js";
import { keepFocus } from "./focus.js";

const SWAPPED_SCRIPTS = 'script[type="application/json"][id]';

/** The newest visit; an older one that answers late is dropped. */
let newest = 0;

/** @param {Document} page */
function swap(page) {
  for (const theirs of page.querySelectorAll(SWAPPED_SCRIPTS)) {
    const ours = document.getElementById(theirs.id);
    if (ours) ours.textContent = theirs.textContent;
    else document.body.append(document.importNode(theirs, true));
  }
  document.title = page.title;
  const ours = /** @type {HTMLElement} */ (document.querySelector("main"));
  const theirs = /** @type {HTMLElement} */ (page.querySelector("main"));
  ours.replaceChildren(...[...theirs.childNodes].map((node) => document.importNode(node, true)));
  localise(ours);
}

const queryInput = () => document.querySelector('headway-query input[name="query"]:not([type="hidden"])');

/**
 * Goes to a URL of this page. Falls back to a plain load where that cannot be done in place.
 *
 * @param {string} url
 * @param {{isNew?: boolean, draft?: string}} [options] `isNew`: with an entry in the history;
 *   `draft`: what the query input holds afterwards
 */
export async function visit(url, { isNew = true, draft } = {}) {
  const number = ++newest;
  const page = await fetchPage(url).catch(() => null);
  if (number !== newest) return;
  if (!page) {
    location.assign(url);
    return;
  }
  const hadFocus = document.activeElement === queryInput();
  const main = document.querySelector("main");
  const giveBack = main && !hadFocus ? keepFocus(main) : () => {};
  if (isNew) history.pushState(null, "", url);
  swap(page);
  if (isNew && window.scrollY) window.scrollTo({ top: 0, behavior: "instant" });
  giveBack();
  const input = queryInput();
  if (!(input instanceof HTMLInputElement)) return;
  if (draft !== undefined) input.value = draft;
  if (!hadFocus) return;
  // Back to where somebody was, with nothing opened over what was asked for.
  input.toggleAttribute("data-quiet", true);
  input.focus();
  input.toggleAttribute("data-quiet", false);
}

/**
 * Whether a click on a link is for us: a plain one, to another state of this very page.
 *
 * @param {MouseEvent} event
 * @returns {string|null} where to
 */
function target(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const link = event.target instanceof Element ? event.target.closest("main a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hash || link.origin !== location.origin) return null;
  return link.pathname === location.pathname && document.querySelector("main headway-query") ? link.href : null;
}

/** Makes the links of the task list to itself, and going back, visits. */
export function listenForVisits() {
  document.addEventListener("click", (event) => {
    const url = target(event);
    if (url === null) return;
    event.preventDefault();
    visit(url);
  });
  addEventListener("popstate", () => {
    if (document.querySelector("main headway-query")) visit(location.href, { isNew: false });
  });
}
