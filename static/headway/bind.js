/**
 * Puts a line (every value already a text) into elements that say what they show:
 *
 * - `data-field="name"`: the text of that value; `data-href`, `data-title`: the attribute
 * - `data-post-to`: where a button of `<headway-told-table>` leads
 * - `data-icon`: which symbol of the sprite a `<use>` shows
 * - `data-show`: hidden where the value is empty; `data-toggle="name class"`: a class
 * - `data-state-of`, `data-health-of`: the key that colours go by
 * - `data-sentence`: a text around a time that the ticker counts on; `data-counting`: a countdown
 * - `data-instant`: a `<time>`, written as its `data-clock` says; `data-chip`: icon and word of a state
 * - `data-pieces`: a text of which some pieces are masked
 * - `data-bar`, `data-span`, `data-line`, `data-bars`: drawings of `geometry.js`
 *
 * What lies in a `data-list` below belongs to the lines of that list.
 */

import { make, part, setAttribute, setClock, setCounting, setInstant, setState, setText, show, stamp } from "./dom.js";
import { keepFocus } from "./focus.js";

/** @typedef {Record<string, any>} Line */

/** @type {Record<string, (element: HTMLElement, value: any, line: Line) => void>} by attribute */
const WRITERS = {
  field: (element, value) => setText(element, String(value ?? "")),
  href: (element, value) => setAttribute(element, "href", value || null),
  title: (element, value) => setAttribute(element, "title", value ?? ""),
  icon: (element, value) => setAttribute(element, "href", value),
  show: (element, value) => show(element, Boolean(value)),
  stateOf: (element, value) => setAttribute(element, "data-state", value),
  healthOf: (element, value) => setAttribute(element, "data-health", value),
  sentence: writeSentence,
  counting: writeCounting,
  instant: (element, { at }) => setClock(element, at),
  chip: writeChip,
  postTo: (element, value) => setAttribute(element, "data-post", value || null),
  pieces: writePieces,
  bar: (element, value) => setAttribute(element.querySelector("rect"), "width", value),
  span: drawSpan,
  line: drawLine,
  bars: drawBars,
};
const SELECTOR = "[data-field], [data-href], [data-title], [data-icon], [data-show], [data-toggle], [data-state-of], [data-health-of],"
  + "[data-counting], [data-instant], [data-chip], [data-post-to], [data-sentence], [data-pieces], [data-bar], [data-span], [data-line], [data-bars]";

/**
 * The value under a dotted name.
 *
 * @param {Line} line
 * @param {string} name
 */
const valueOf = (line, name) => name.split(".").reduce((/** @type {any} */ value, key) => value?.[key], line);

/**
 * @param {Element} root
 * @param {Line} line
 */
export function paint(root, line) {
  const inside = [...root.querySelectorAll(SELECTOR)].filter((element) => {
    const list = element.closest("[data-list]");
    return !list || !root.contains(list) || list === root;
  });
  for (const element of root.matches(SELECTOR) ? [root, ...inside] : inside) write(/** @type {HTMLElement} */ (element), line);
}

/**
 * @param {HTMLElement} element
 * @param {Line} line
 */
function write(element, line) {
  for (const [attribute, name] of Object.entries(element.dataset)) {
    const writer = WRITERS[attribute];
    if (writer && name) writer(element, valueOf(line, name), line);
  }
  const [name, className] = element.dataset.toggle?.split(" ") ?? [];
  if (name && className) setAttribute(element, "class", toggled(element, className, Boolean(valueOf(line, name))));
}

/**
 * @param {Element} element
 * @param {string} className
 * @param {boolean} isOn
 */
function toggled(element, className, isOn) {
  const others = [...element.classList].filter((each) => each !== className);
  return [...others, ...(isOn ? [className] : [])].join(" ") || null;
}

/**
 * @param {HTMLElement} element
 * @param {import ("./telling.js").Sentence} says
 */
function writeSentence(element, says) {
  const time = element.querySelector("time");
  setText(part(element, "before"), says.before);
  setAttribute(time, "data-age", says.at === null ? null : says.at.toFixed(3));
  setInstant(time, says.at);
  setText(time, says.time);
  setText(part(element, "after"), says.after);
}

/**
 * @param {HTMLElement} element
 * @param {{text: string, until: number|null, pattern: string, due: string}} counting
 */
function writeCounting(element, { text, until, pattern, due }) {
  setCounting(element, until === null ? { text } : { text, until, pattern, due }, text);
  setInstant(element, until);
}

/**
 * @param {HTMLElement} element
 * @param {{state: string, word: string}} chip
 */
function writeChip(element, { state, word }) {
  show(element, Boolean(state));
  if (state) setState(element, state, word);
}

/**
 * @param {HTMLElement} element
 * @param {{text: string, is_mask: boolean}[]} pieces
 */
function writePieces(element, pieces) {
  const text = pieces.map((piece) => piece.text).join("");
  if (element.textContent === text) return;
  element.replaceChildren(...pieces.map((piece) => make("span", piece.is_mask ? { class: "hw-mask" } : {}, piece.text)));
}

/**
 * From one end to the other: a dot at the low end, a stop at the high one.
 *
 * @param {Element} group
 * @param {{low: string, high: string}} ends
 */
function drawSpan(group, ends) {
  show(group, Boolean(ends.high));
  // An empty length is an error to the browser, hidden or not.
  const [low, high] = [ends.low || "0", ends.high || "0"];
  const [reach, stop] = group.querySelectorAll("line");
  setAttribute(reach, "x1", low);
  setAttribute(reach, "x2", high);
  setAttribute(group.querySelector("circle"), "cx", low);
  setAttribute(stop, "x1", high);
  setAttribute(stop, "x2", high);
}

/**
 * @param {Element} svg
 * @param {import ("./geometry.js").Line} drawing
 */
function drawLine(svg, { line, area }) {
  setAttribute(svg.querySelector(".area"), "d", area);
  setAttribute(svg.querySelector(".line"), "d", line);
}

/**
 * @param {Element} svg
 * @param {import ("./geometry.js").Bar[]} bars
 */
function drawBars(svg, bars) {
  while (svg.children.length > bars.length) svg.lastElementChild?.remove();
  for (const [place, { is_none: isNone, ...lengths }] of bars.entries()) {
    const rect = svg.children[place] ?? svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
    for (const [name, value] of Object.entries(lengths)) setAttribute(rect, name, value);
    setAttribute(rect, "class", isNone ? "none" : null);
  }
}

/**
 * One element for each line, by `key`. Under the pointer nothing changes places: the order is
 * taken up when it has left.
 *
 * @param {Element|null} list
 * @param {Element|null} template
 * @param {Line[]} lines
 */
export function paintList(list, template, lines) {
  if (!list || !(template instanceof HTMLTemplateElement)) return;
  const held = new Map([...list.children].map((element) => [element.getAttribute("data-key"), element]));
  const mayMove = !list.matches(":hover, :focus-within");
  const giveBack = keepFocus(list);
  for (const [place, line] of lines.entries()) {
    const key = String(line.key ?? line.state);
    const known = held.get(key);
    const element = known ?? stamp(template);
    held.delete(key);
    setAttribute(element, "data-key", key);
    paint(element, line);
    if (list.children[place] !== element && (mayMove || !known)) list.insertBefore(element, list.children[place] ?? null);
  }
  for (const gone of held.values()) gone.remove();
  giveBack();
}
