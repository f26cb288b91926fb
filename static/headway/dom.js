/**
 * The few things that elements do with the DOM. Data gets there as text, never as HTML, and only
 * where it differs from what is shown.
 */

import * as format from "./format.js";

/**
 * @param {Element|null|undefined} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element|null|undefined} element
 * @param {string} name
 * @param {string|null} value null removes it
 */
export function setAttribute(element, name, value) {
  if (!element || element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/**
 * @param {Element|null|undefined} element
 * @param {boolean} isShown
 */
export function show(element, isShown) {
  if (element && element.hasAttribute("hidden") === isShown) element.toggleAttribute("hidden", !isShown);
}

/**
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement|null}
 */
export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

/**
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement|null}
 */
export const field = (root, name) => root.querySelector(`[data-field="${name}"]`);

/**
 * The JSON that the server put into the page, null where it put none.
 *
 * @param {string} id
 * @returns {any}
 */
export function pageData(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent ?? "null") : null;
}

/**
 * One copy of the first element in a `<template>`.
 *
 * @param {HTMLTemplateElement} template
 * @returns {HTMLElement}
 */
export function stamp(template) {
  const first = template.content.firstElementChild;
  if (!(first instanceof HTMLElement)) throw new TypeError("a template without an element cannot be stamped");
  return /** @type {HTMLElement} */ (first.cloneNode(true));
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node|string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * An icon of the sprite.
 *
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "hw-i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A state chip: key, icon and word.
 *
 * @param {Element|null} chip
 * @param {string} state
 * @param {string} word
 */
export function setState(chip, state, word) {
  if (!chip || (chip.getAttribute("data-state") === state && part(chip, "word")?.textContent === word)) return;
  chip.setAttribute("data-state", state);
  chip.querySelector("use")?.setAttribute("href", `#i-${state}`);
  chip.querySelector("svg")?.classList.toggle("hw-spin", state === "running");
  setText(part(chip, "word"), word);
}

/**
 * An instant as `<time>`: the exact value in `datetime` and in the title.
 *
 * @param {Element|null} time
 * @param {number|null} at
 */
export function setInstant(time, at) {
  setAttribute(time, "datetime", at === null ? null : new Date(format.milliseconds(at)).toISOString());
  setAttribute(time, "title", at === null ? null : format.exact(at));
}

/**
 * A text that counts, or one that does not: the ticker writes the first kind.
 *
 * @param {HTMLElement|null} element
 * @param {import ("./outcome.js").Text} text
 * @param {string} now as it reads at this instant
 */
export function setCounting(element, text, now) {
  if (!element) return;
  setAttribute(element, "data-until", text.until === undefined ? null : String(text.until));
  setAttribute(element, "data-pattern", text.pattern ?? null);
  setAttribute(element, "data-due", text.due ?? null);
  setText(element, now);
}

/**
 * An instant as `data-clock` asks for it: with milliseconds, to the minute, with its day, whole, or plain.
 *
 * @param {number} at
 * @param {string|null} clock
 */
function written(at, clock) {
  if (clock === "minute") return format.minute(at);
  if (clock === "moment") return format.moment(at);
  if (clock === "exact") return format.exact(at);
  return format.clock(at, { ms: clock === "ms" });
}

/**
 * An instant as `<time data-clock>`, in the viewer's zone; empty for null.
 *
 * @param {Element} time
 * @param {number|null} at
 */
export function setClock(time, at) {
  setInstant(time, at);
  setText(time, at === null ? "" : written(at, time.getAttribute("data-clock")));
}

/**
 * Shows the times of a page in the viewer's zone; the server wrote them in the one it was told
 * last, or in UTC.
 *
 * @param {ParentNode} root
 */
export function localise(root) {
  for (const time of root.querySelectorAll("time[data-clock], time[data-age]")) {
    const at = Date.parse(time.getAttribute("datetime") ?? "") / 1000;
    if (Number.isNaN(at)) continue;
    if (time.hasAttribute("data-clock")) setText(time, written(at, time.getAttribute("data-clock")));
    setAttribute(time, "title", format.exact(at));
  }
  for (const place of root.querySelectorAll("[data-zone]")) setText(place, zone());
}

/** The name of the viewer's zone, as the browser knows it. */
function zone() {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const YEAR_S = 365 * 24 * 60 * 60;

/**
 * Tells the server the viewer's zone by a cookie, so that the next page's first paint is in it.
 *
 * @param {Document} root
 * @param {string} path the dashboard's own: the cookie goes nowhere else
 */
export function rememberZone(root, path) {
  const wanted = `headway_tz=${zone()}`;
  if (root.cookie.split("; ").includes(wanted)) return;
  root.cookie = `${wanted}; path=${path}; max-age=${YEAR_S}; samesite=lax`;
}

/**
 * Whether a key press belongs to what is focused rather than to the page.
 *
 * @param {KeyboardEvent} event
 */
export function isTyping(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing || event.defaultPrevented) return true;
  const target = event.composedPath()[0];
  return target instanceof Element && target.closest('input:not([type="checkbox"]), textarea, select, [contenteditable], dialog[open]') !== null;
}
