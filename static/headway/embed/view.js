/**
 * The shadow root: paints a face, touching only what has changed. Geometry is `<progress>`; data is text.
 *
 * @typedef {import ("./types.js").Face} Face
 */

import { css } from "./sheet.js";

const SVG = "http://www.w3.org/2000/svg";
const RING = "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z";
const CHECK = "m5.3 8.2 1.9 1.9 3.6-4";

/** @type {Record<string, string[]>} */
const ICONS = {
  queued: [RING],
  next: [RING],
  scheduled: [RING, "M8 4.6V8l2.3 1.5"],
  running: [RING, "M8 2a6 6 0 0 1 6 6"],
  now: [RING, "M8 8h.01"],
  retrying: ["M13.6 8.4a5.7 5.7 0 1 1-1.4-4.2L13.6 5.6M13.7 2.2v3.5h-3.5"],
  stalled: ["M8 2.2 14.3 13H1.7ZM8 6.3v3M8 11.2v.1"],
  succeeded: [RING, CHECK],
  done: [RING, CHECK],
  failed: ["M5.4 2h5.2L14 5.4v5.2L10.6 14H5.4L2 10.6V5.4Z", "m6 6 4 4m0-4-4 4"],
  cancelled: [RING, "m3.9 12.1 8.2-8.2"],
  unknown: [RING, "M6.5 6.4a1.6 1.6 0 1 1 2.2 1.5c-.5.2-.7.5-.7 1M8 10.9v.1"],
  offline: ["M2 2l12 12M4.6 6.3A3.4 3.4 0 0 0 4.8 13h6.4M6.2 4.2a4 4 0 0 1 5.6 3.1 2.9 2.9 0 0 1 1.9 4"],
};

/** @type {CSSStyleSheet|undefined} */
let sheet;

/** The one style sheet of all elements: as an object it needs no inline style. @param {ShadowRoot} root */
export function dress(root) {
  if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(css);
  root.adoptedStyleSheets = [sheet];
}

/** @type {(tag: string, part?: string, ...children: (Node|string)[]) => HTMLElement} */
function make(tag, part, ...children) {
  const element = document.createElement(tag);
  if (part) element.setAttribute("part", part);
  element.append(...children);
  return element;
}

/** @type {(element: Element, name: string, value: string|number|null|undefined) => void} */
function set(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** @type {(node: Node, text: string) => void} */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @type {(svg: Element, name: string) => void} */
function draw(svg, name) {
  if (svg.getAttribute("class") === name) return;
  set(svg, "class", name);
  svg.replaceChildren(...(ICONS[name] ?? []).map((d) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    return path;
  }));
}

function icon() {
  const svg = document.createElementNS(SVG, "svg");
  set(svg, "viewBox", "0 0 16 16");
  set(svg, "aria-hidden", "true");
  return svg;
}

/** As many children as there are items, each made once. @type {<T>(parent: Element, items: T[], fresh: () => Element, paint: (element: any, item: T) => void) => void} */
function fill(parent, items, fresh, paint) {
  while (parent.children.length > items.length) parent.lastElementChild?.remove();
  while (parent.children.length < items.length) parent.append(fresh());
  items.forEach((item, index) => paint(parent.children[index], item));
}

function bar() {
  const element = make("progress", "bar");
  set(element, "max", 100);
  return element;
}

export class View {
  #icon = icon();
  #mark = make("span", "icon", this.#icon);
  #title = make("span", "title");
  #value = make("span", "value");
  #steps = make("ol", "steps");
  #cells = make("ul", "cells");
  #bar = bar();
  #text = document.createTextNode("");
  #reference = make("span", "reference");
  #note = make("p", "note", this.#text, this.#reference);
  #done = make("slot");
  #buttons = make("div", "actions");
  list = make("ul", "list");
  #foot = make("div", "foot", this.#note, this.#buttons, this.#done);
  #box = make("div", "box", make("div", "head", this.#mark, this.#title, this.#value), this.#steps, this.#cells, this.#bar, this.#foot, this.list);
  #given = make("slot");

  /** @param {ShadowRoot} root @param {(act: string) => void} act */
  constructor(root, act) {
    dress(root);
    set(this.#box, "role", "group");
    for (const element of [this.#box, this.#bar]) set(element, "aria-labelledby", "t");
    set(this.#title, "id", "t");
    set(this.#done, "name", "done");
    set(this.#cells, "aria-hidden", "true");
    this.#box.hidden = this.list.hidden = true;
    this.#buttons.addEventListener("click", ({ target }) => target instanceof HTMLButtonElement && act(target.name));
    root.append(this.#given, this.#box);
    this.root = root;
  }

  /**
   * @param {Face} face
   * @param {{isGiven: boolean, acts: [name: string, text: string, isMain: boolean][], via: string, reference: string}} more
   *   `isGiven`: what the page's server rendered is still all that is known
   */
  paint(face, { isGiven, acts, via, reference }) {
    this.#given.hidden = !isGiven;
    this.#box.hidden = false;
    set(this.#box, "part", `box ${face.state}`);
    draw(this.#icon, face.state);
    set(this.#mark, "title", via);
    write(this.#title, face.title);
    write(this.#value, face.value);
    write(this.#text, face.ref ? `${face.note} ${reference} ` : face.note);
    write(this.#reference, face.ref);
    this.#note.hidden = !face.note && !face.ref;
    this.#foot.hidden = this.#note.hidden && !acts.length && face.state !== "succeeded";
    this.#bar.hidden = face.bar === undefined;
    set(this.#bar, "value", face.bar);
    set(this.#bar, "class", face.steps || face.cells ? "covered" : "");
    this.#done.hidden = face.state !== "succeeded";
    this.#paintParts(face);
    this.#paintActs(acts);
  }

  /** @param {Face} face */
  #paintParts({ steps, cells }) {
    this.#steps.hidden = !steps;
    fill(this.#steps, steps ?? [], () => make("li", "step", bar(), make("span", "", icon(), "")), (element, { name, state, value }) => {
      const [line, words] = element.children;
      set(element, "part", `step ${state}`);
      set(element, "aria-current", state === "now" ? "step" : null);
      set(line, "value", value);
      set(line, "aria-hidden", "true");
      draw(words.firstChild, state);
      write(words.lastChild, name);
    });
    this.#cells.hidden = !cells;
    fill(this.#cells, cells ?? [], () => make("li"), (element, state) => set(element, "class", state));
  }

  /** @param {[name: string, text: string, isMain: boolean][]} acts */
  #paintActs(acts) {
    const hadFocus = this.#buttons.contains(this.root.activeElement);
    fill(this.#buttons, acts, () => make("button"), (element, [name, text, isMain]) => {
      set(element, "type", "button");
      set(element, "name", name);
      set(element, "part", isMain ? "action main" : "action");
      write(element, text);
    });
    this.#buttons.hidden = !acts.length;
    if (hadFocus && !this.root.activeElement) /** @type {HTMLElement|null} */ (this.#buttons.firstElementChild)?.focus();
  }
}
