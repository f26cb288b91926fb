/**
 * What all elements of a page share: the links to servers, the one second hand, and the one polite
 * live region.
 *
 * @typedef {import ("./types.js").Follower} Follower
 */

import { Link } from "./link.js";
import { dress } from "./view.js";

/** More sockets than these for one page would be a flood. */
const MAX_LINKS = 4;

/** @type {Map<string, Link[]>} */
const links = new Map();
/** @type {Map<object, () => void>} */
const ticking = new Map();
let timer = 0;
/** @type {HTMLElement|undefined} */
let region;

/** @type {import ("./types.js").Outside} */
const outside = {
  connect: (url) => new WebSocket(url),
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now() / 1000,
  random: Math.random,
  setTimeout: (run, ms) => window.setTimeout(run, ms),
  clearTimeout: (id) => clearTimeout(id),
  isHidden: () => document.hidden,
  isOnline: () => navigator.onLine,
};

function wake() {
  for (const all of links.values()) for (const link of all) link.wake();
  beat();
}

/**
 * The link that serves this follower from now on; null when the page follows too much.
 *
 * @param {string|null} server its address; by default where this file comes from
 * @param {Follower} follower
 */
export function attach(server, follower) {
  const url = new URL(server || "/", server ? document.baseURI : import.meta.url).href.replace(/\/?$/, "/");
  if (!links.size) {
    addEventListener("online", wake);
    addEventListener("offline", wake);
    document.addEventListener("visibilitychange", wake);
  }
  const known = links.get(url) ?? [];
  links.set(url, known);
  let link = known.find((each) => each.hasRoom(follower));
  if (!link) {
    if (known.length >= MAX_LINKS) return null;
    known.push((link = new Link(url, outside)));
  }
  link.join(follower);
  return link;
}

/** @type {(owner: object, run: (() => void)|null) => void} */
export function onTick(owner, run) {
  if (run) ticking.set(owner, run);
  else ticking.delete(owner);
  beat();
}

/** Runs where somebody can see it. */
function beat() {
  const isNeeded = ticking.size > 0 && !document.hidden;
  if (isNeeded === Boolean(timer)) return;
  clearInterval(timer);
  timer = isNeeded ? window.setInterval(() => ticking.forEach((run) => run()), 1000) : 0;
}

/** @param {string} text */
export function announce(text) {
  if (!region) {
    region = document.createElement("div");
    region.setAttribute("role", "status");
    const root = region.attachShadow({ mode: "open" });
    dress(root);
    const cover = document.createElement("span");
    cover.className = "covered";
    cover.append(document.createElement("slot"));
    root.append(cover);
  }
  if (!region.isConnected) document.body.append(region);
  // Cleared first, so that the same text is said again.
  region.textContent = "";
  setTimeout(() => { if (region) region.textContent = text; }, 50);
}
