/**
 * `<headway-graph>`: the workflow of a task as a drawing, live. The server wrote the list that
 * says the same.
 *
 * What changes is painted in place; what comes new is placed when the pointer is elsewhere.
 * Arrows lead from task to task, Enter opens.
 *
 * Attributes: `data-task` (the page's), `data-task-url` (with `ID_PLACEHOLDER`), `data-list-url`,
 * `data-wide` where it takes the width of the page.
 *
 * @typedef {import ("../graph.js").Node} Node
 * @typedef {import ("../graph.js").Box} Box
 * @typedef {import ("../graph.js").Drawing} Drawing
 */

import { part, setAttribute, setState, setText, show, stamp } from "../dom.js";
import { keepFocus } from "../focus.js";
import * as format from "../format.js";
import { BOX, draw, stateOf, states, towards } from "../graph.js";
import { PageElement } from "../page.js";
import { storeSource } from "../sources.js";
import { Store } from "../store.js";
import { term } from "../telling.js";
import { fill } from "../words.js";

const SVG = "http://www.w3.org/2000/svg";
/** As many tasks as the server tells of. */
const LIMIT = 500;
/** Changes that come together are drawn once. */
const PAUSE_MS = 200;
/** Letters that fit into a box, by its two sizes of type. */
const LETTERS = { name: 18, detail: 25 };
/** So many stand beside the other panels, as `dashboard/workflow.py` says. */
const SIDE_COLUMNS = 2;
const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

/**
 * @param {string} tag
 * @param {Record<string, string|number>} attributes
 */
function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** @param {string} text @param {number} letters */
const cut = (text, letters) => (text.length > letters ? `${text.slice(0, letters - 1)}…` : text);

/** @param {Node} node */
const nameOf = (node) => (node.name ? format.name(node.name)[1] : format.id(node.id));

/** @param {Node} node the instant since which it runs, null where it does not */
const since = ({ status, runtime, started_at: at }) => ((status === "running" || status === "stalled") && runtime === null ? at : null);

export class GraphElement extends PageElement {
  /** @type {Map<string, Node>} */
  #nodes = new Map();
  /** @type {Store<any>} */
  #store = new Store((row) => row.id);
  #query = "";
  #isCut = false;
  #source = storeSource(this.#store, () => ({ of: "tasks", query: this.#query, limit: LIMIT }), () => {});
  /** @type {Drawing} */
  #drawing = { boxes: [], edges: [], width: 0, height: 0 };
  /** @type {SVGSVGElement|null} */
  #svg = null;
  /** @type {Map<string, SVGElement>} */
  #links = new Map();
  #timer = 0;
  #isHeld = false;
  #abort = new AbortController();

  connectedCallback() {
    const told = this.querySelector('script[type="application/json"]');
    if (!told) return;
    const { epoch, revision, nodes, is_cut: isCut, query } = JSON.parse(told.textContent ?? "");
    const { signal } = this.#abort = new AbortController();
    this.#nodes = new Map(nodes.map((/** @type {Node} */ node) => [node.id, node]));
    this.#isCut = isCut;
    this.#query = query;
    this.#store.seed({ epoch, revision, rows: nodes });
    signal.addEventListener("abort", this.#store.listen(({ changed }) => this.#take(changed)));
    this.addEventListener("keydown", (event) => this.#press(event), { signal });
    this.addEventListener("focusin", (event) => this.#rove(event.target), { signal });
    part(this, "toggle")?.addEventListener("click", () => this.#toggle(), { signal });
    const box = part(this, "box");
    box?.addEventListener("pointerleave", () => this.#release(), { signal });
    this.#draw();
    this.#reveal();
    this.page.feed.open(this.#source);
  }

  disconnectedCallback() {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.page.feed.close(this.#source);
  }

  get #current() {
    return this.dataset.task ?? "";
  }

  /** @param {Set<string>} changed */
  #take(changed) {
    for (const id of changed) {
      const row = this.#store.get(id);
      if (!row || (!this.#nodes.has(id) && (this.#isCut || this.#nodes.size >= LIMIT))) continue;
      this.#nodes.set(id, row);
    }
    if (!this.#timer) this.#timer = window.setTimeout(() => this.#refresh(), PAUSE_MS);
  }

  #refresh() {
    this.#timer = 0;
    this.#draw();
    this.#list();
    const nodes = [...this.#nodes.values()];
    const done = nodes.filter((node) => node.status === "completed").length;
    setText(part(this, "count"), fill(this.page.words.graph.done, { count: done, total: nodes.length }));
    if (this.hasAttribute("hidden") && nodes.length > 1) {
      show(this, true);
      this.#reveal();
    }
  }

  #draw() {
    const ordered = [...this.#nodes.values()].sort((a, b) => a.first_seen_at - b.first_seen_at || (a.id < b.id ? -1 : 1));
    const drawing = draw(ordered, this.#current);
    const isSame = drawing.boxes.length === this.#drawing.boxes.length
      && drawing.boxes.every((box, place) => box.key === this.#drawing.boxes[place]?.key && box.x === this.#drawing.boxes[place].x && box.y === this.#drawing.boxes[place].y);
    this.#isHeld = !isSame && this.#svg !== null && (part(this, "box")?.matches(":hover") ?? false);
    if (this.#isHeld) this.#paintInPlace();
    else this.#place(drawing);
  }

  /** Under the pointer nothing changes places: only what the boxes say. */
  #paintInPlace() {
    for (const box of this.#drawing.boxes) {
      const [nodes, below] = [box.nodes, box.below].map((held) => held.map((node) => this.#nodes.get(node.id) ?? node));
      this.#paint(/** @type {SVGElement} */ (this.#links.get(box.key)), { ...box, nodes: nodes ?? [], below: below ?? [] });
    }
  }

  #release() {
    if (this.#isHeld) this.#draw();
  }

  /** @param {Drawing} drawing */
  #place(drawing) {
    this.#drawing = drawing;
    // It takes the width of the page as soon as it needs it, and keeps it.
    if (new Set(drawing.boxes.map((box) => box.x)).size > SIDE_COLUMNS) setAttribute(this, "data-wide", "");
    const svg = this.#canvas();
    for (const [name, value] of Object.entries({ width: drawing.width, height: drawing.height })) setAttribute(svg, name, String(value));
    const edges = /** @type {Element} */ (svg.firstElementChild);
    while (edges.children.length > drawing.edges.length) edges.lastElementChild?.remove();
    for (const [place, { d, kind }] of drawing.edges.entries()) {
      const path = edges.children[place] ?? edges.appendChild(shape("path", {}));
      setAttribute(path, "d", d);
      setAttribute(path, "class", `edge ${kind}`.trim());
    }
    const gone = new Map(this.#links);
    for (const box of drawing.boxes) {
      gone.delete(box.key);
      this.#paint(this.#link(box), box);
    }
    const giveBack = gone.size ? keepFocus(svg) : () => {};
    for (const [key, link] of gone) {
      link.remove();
      this.#links.delete(key);
    }
    if (![...this.#links.values()].some((link) => link.getAttribute("tabindex") === "0")) this.#rove(this.#links.get(this.#current) ?? svg.querySelector("a"));
    giveBack();
  }

  #canvas() {
    if (this.#svg) return this.#svg;
    const svg = /** @type {SVGSVGElement} */ (shape("svg", { class: "hw-graph", role: "group", "aria-label": this.page.words.graph.title ?? "" }));
    svg.append(shape("g", { "aria-hidden": "true" }));
    part(this, "box")?.append(svg);
    this.#svg = svg;
    return svg;
  }

  /** @param {Box} box */
  #link(box) {
    const known = this.#links.get(box.key);
    if (known) return known;
    const link = shape("a", { tabindex: -1 });
    const text = (/** @type {string} */ name, /** @type {number} */ y) => shape("text", { class: name, x: 34, y });
    const detail = text("d", 31);
    detail.append(shape("tspan", {}), shape("tspan", {}));
    link.append(
      shape("title", {}), shape("rect", { class: "pile", x: 4, y: 4, width: BOX.width, height: BOX.height, rx: 6 }),
      shape("rect", { class: "box", x: 0, y: 0, width: BOX.width, height: BOX.height, rx: 6 }),
      shape("use", { x: 10, y: 12, width: 16, height: 16 }), text("name", 17), detail, shape("g", {}),
    );
    this.#links.set(box.key, link);
    this.#canvas().append(link);
    return link;
  }

  /**
   * @param {SVGElement} link
   * @param {Box} box
   */
  #paint(link, box) {
    const { words } = this.page;
    const all = [...box.nodes, ...box.below];
    const counts = states(all);
    const state = counts[0]?.[0] ?? "unknown";
    const [first] = /** @type {[Node, ...Node[]]} */ (box.nodes);
    const isMany = all.length > 1;
    const isCurrent = first.id === this.#current && !isMany;
    const below = box.below.length ? ` +${box.below.length}` : "";
    const folded = (/** @type {string} */ name) => (box.nodes.length > 1 ? fill(words.graph.fold, { count: box.nodes.length, name }) : name);
    const own = folded(nameOf(first));
    const whole = folded(first.name ?? first.id);
    const told = isMany ? counts.map(([each, count]) => fill(words.graph.part, { count, state: words.states[each] ?? each })).join(", ") : words.states[state] ?? state;
    const from = isMany || isCurrent ? null : since(first);
    const ran = first.runtime === null ? "" : format.duration(first.runtime);
    const more = isCurrent ? words.graph.this ?? "" : from === null ? (isMany ? "" : ran) : format.duration(this.page.ticker.shownAt() - from);
    setAttribute(link, "href", this.#urlOf(box));
    setAttribute(link, "data-key", box.key);
    setAttribute(link, "data-state", state);
    setAttribute(link, "class", [isCurrent ? "me" : "", counts.every(([each]) => each === "queued" || each === "scheduled") ? "wait" : ""].join(" ").trim() || null);
    setAttribute(link, "aria-current", isCurrent ? "true" : null);
    setAttribute(link, "transform", `translate(${box.x} ${box.y})`);
    const [title, pile, , use, label, detail, shares] = link.children;
    // What is read out, and shown beside the pointer: nothing of it is cut.
    setText(title, [whole + below, told, from === null ? more : ""].filter(Boolean).join(", "));
    setAttribute(pile, "display", isMany ? null : "none");
    setAttribute(use, "href", `#i-${state}`);
    setText(label, cut(own, LETTERS.name - below.length) + below);
    const [word, count] = detail?.children ?? [];
    setText(word, cut(more ? `${told} · ` : told, LETTERS.detail));
    setAttribute(count, "data-since", from === null ? null : from.toFixed(3));
    setText(count, more);
    this.#paintShares(/** @type {Element} */ (shares), isMany ? counts : [], all.length);
  }

  /**
   * How much of a box is in which state.
   *
   * @param {Element} group
   * @param {[string, number][]} counts
   * @param {number} total
   */
  #paintShares(group, counts, total) {
    const width = BOX.width - 12;
    while (group.children.length > counts.length) group.lastElementChild?.remove();
    let x = 6;
    for (const [place, [state, count]] of counts.entries()) {
      const bar = group.children[place] ?? group.appendChild(shape("rect", { class: "share", y: BOX.height - 4, height: 2 }));
      const share = (width * count) / total;
      setAttribute(bar, "data-state", state);
      setAttribute(bar, "x", x.toFixed(1));
      setAttribute(bar, "width", Math.max(1, share).toFixed(1));
      x += share;
    }
  }

  /** @param {Box} box one task has a page, many are a list */
  #urlOf({ nodes }) {
    const [first] = /** @type {[Node, ...Node[]]} */ (nodes);
    if (nodes.length === 1) return (this.dataset.taskUrl ?? "").replace("ID_PLACEHOLDER", () => first.id.split("/").map(encodeURIComponent).join("/"));
    const isShared = (/** @type {"group_id"|"parent_id"} */ key) => first[key] !== null && nodes.every((node) => node[key] === first[key]);
    const whose = isShared("group_id") ? term("group", first.group_id ?? "") : isShared("parent_id") ? term("parent", first.parent_id ?? "") : this.#query;
    return `${this.dataset.listUrl}?query=${encodeURIComponent(`${whose} ${term("name", first.name ?? "")}`)}`;
  }

  /** The list says the same; what is new goes to its end. */
  #list() {
    const list = part(this, "list");
    const template = this.querySelector("template");
    if (!list || !(template instanceof HTMLTemplateElement)) return;
    const lines = new Map([...list.children].map((line) => [line.getAttribute("data-id"), line]));
    for (const node of this.#nodes.values()) {
      const line = lines.get(node.id) ?? list.appendChild(this.#newLine(template, node));
      const state = stateOf(node);
      setState(line.querySelector("[data-state]"), state, this.page.words.states[state] ?? state);
      const from = since(node);
      setAttribute(part(line, "runtime"), "data-since", from === null ? null : from.toFixed(3));
      setText(part(line, "runtime"), format.duration(from === null ? node.runtime : this.page.ticker.shownAt() - from));
    }
  }

  /** @param {HTMLTemplateElement} template @param {Node} node */
  #newLine(template, node) {
    const line = stamp(template);
    const parent = this.querySelector(`[data-id="${CSS.escape(node.parent_id ?? "")}"]`)?.getAttribute("data-depth");
    line.dataset.id = node.id;
    line.dataset.depth = String(parent ? Math.min(6, Number(parent) + 1) : 0);
    const link = line.querySelector("a");
    setAttribute(link, "href", this.#urlOf({ key: "", nodes: [node], below: [], children: [], followers: [], x: 0, y: 0 }));
    setAttribute(link, "title", node.name ?? node.id);
    setText(link, nameOf(node));
    return line;
  }

  #toggle() {
    const isList = this.toggleAttribute("data-as-list");
    setAttribute(part(this, "toggle"), "aria-expanded", String(isList));
  }

  /** @param {EventTarget|null} target one stop for the Tab key, whichever was looked at last */
  #rove(target) {
    const link = target instanceof Element ? target.closest("svg a") : null;
    if (!link) return;
    for (const each of this.#links.values()) setAttribute(each, "tabindex", each === link ? "0" : "-1");
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const link = event.target instanceof Element ? event.target.closest("svg a") : null;
    if (!link || !ARROWS.has(event.key) || event.metaKey || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    const box = towards(this.#drawing, link.getAttribute("data-key") ?? "", event.key);
    const next = box ? this.#links.get(box.key) : undefined;
    if (next) /** @type {SVGAElement} */ (next).focus();
  }

  /** The page's own task is in view, without moving the page. */
  #reveal() {
    const frame = part(this, "box");
    const box = this.#drawing.boxes.find(({ key }) => key === this.#current);
    if (!frame || !box) return;
    frame.scrollLeft = box.x + BOX.width + 24 - frame.clientWidth;
    frame.scrollTop = box.y + BOX.height / 2 - frame.clientHeight / 2;
  }
}
