/**
 * `<headway-chart>`: figures over time that answer: values under the crosshair, a drag zooms, a
 * click leads to the tasks behind a point. Without it the server's drawing and table stand.
 *
 * Attributes: `data-tasks`, where the task list is.
 *
 * @typedef {import ("../chart-data.js").Data} Data
 */

import { paintList } from "../bind.js";
import * as chartData from "../chart-data.js";
import { localise, pageData, part, setAttribute, setText, show } from "../dom.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";
import { draw, HEIGHT, isLower } from "../plot.js";
import { fetchPage } from "../fetching.js";
import { keepFocus } from "../focus.js";

const INKS = ["text", "muted", "line", "surface", "finished", "area", "failed", "gap", "edge"];
/** What the server alone writes beside the figures. */
const PANELS = ["ranges", "title", "reset"];
/** Between the crosshair and what is said of it. */
const TIP_GAP = 12;
const SAY_MS = 300;
const FAR = 10;

export class ChartElement extends PageElement {
  /** @type {Data|null} */
  #data = null;
  /** @type {ReturnType<typeof draw>|null} */
  #drawn = null;
  /** @type {[number, number]|null} what is shown while its figures are on their way */
  #view = null;
  /** @type {import ("../plot.js").Ink} */
  #ink = /** @type {any} */ ({});
  /** @type {number|null} */
  #index = null;
  /** @type {number|null} where a span that is marked by key began */
  #anchor = null;
  #touched = -1;
  #draggedAt = -Infinity;
  #newest = 0;
  #timer = 0;
  #abort = new AbortController();

  connectedCallback() {
    this.#data ??= pageData("headway-chart");
    const parent = part(this, "plot");
    if (!this.#data || !parent || this.#drawn) return;
    this.#abort = new AbortController();
    this.#readInk();
    this.#drawn = draw(parent, {
      ink: () => this.#ink,
      columns: () => chartData.columns(this.data, this.page.ticker.now()),
      gaps: () => this.data.gaps,
      now: () => this.page.ticker.now(),
      view: () => this.#view ?? [this.data.from, this.data.until],
      font: `11px ${getComputedStyle(this).fontFamily}`,
      onCursor: (index) => this.#point(index),
      onSelect: (from, until) => this.#select(from, until),
      onReset: () => this.reset(),
    });
    for (const first of parent.querySelectorAll("svg.first")) first.remove();
    parent.tabIndex = 0;
    this.#listen(parent);
  }

  disconnectedCallback() {
    this.#abort.abort();
    this.#drawn?.plot.destroy();
    this.#drawn = null;
    clearTimeout(this.#timer);
  }

  /** @returns {Data} */
  get data() {
    if (!this.#data) throw new Error("a chart has data once it is connected");
    return this.#data;
  }

  /** Whether it shows the last hour as it goes on. */
  get isLive() {
    return this.#data !== null && this.#data.range === "1h" && !this.#data.is_zoomed && !this.#view;
  }

  /**
   * Goes on with what the overview's row tells of the last hour.
   *
   * @param {number[][]} series
   */
  advance(series) {
    if (this.isLive) this.#show(chartData.advanced(this.data, series, this.page.ticker.now()));
  }

  /** The whole range again. */
  reset() {
    if (this.data.is_zoomed || this.#view) this.visit(chartData.zoomUrl(location.href, null));
  }

  /**
   * Shows what the page at this address shows.
   *
   * @param {string} url
   * @param {boolean} [isNew] with an entry in the history
   */
  async visit(url, isNew = true) {
    const number = ++this.#newest;
    if (isNew) {
      history.pushState(null, "", url);
      this.#leave();
    }
    const page = await fetchPage(url).catch(() => null);
    if (number !== this.#newest || !this.isConnected) return;
    const text = page?.getElementById("headway-chart")?.textContent;
    if (!page || !text) {
      this.page.announce(this.page.words.page.unreachable ?? "");
      return;
    }
    this.#view = null;
    this.#swap(page);
    this.#show(JSON.parse(text));
  }

  /** @param {Document} page */
  #swap(page) {
    for (const name of PANELS) {
      const theirs = page.querySelector(`main [data-panel="${name}"]`);
      const ours = document.querySelector(`main [data-panel="${name}"]`);
      if (!theirs || !ours || ours.isEqualNode(theirs)) continue;
      const giveBack = keepFocus(ours);
      ours.replaceChildren(...[...theirs.childNodes].map((node) => document.importNode(node, true)));
      giveBack();
      // The link that was pressed is needed no more.
      if (document.activeElement === document.body && name === "reset") part(this, "plot")?.focus();
    }
  }

  /** @param {Data} data */
  #show(data) {
    this.#data = data;
    this.#drawn?.update();
    const { words, ticker } = this.page;
    const summary = chartData.summary(data, ticker.now(), words.chart);
    setAttribute(part(this, "plot"), "aria-label", summary);
    setText(part(this, "summary"), summary);
    show(document.querySelector("[data-legend=gap]"), data.gaps.length > 0);
    this.#fillTable();
    if (this.#index !== null) this.#point(this.#index);
  }

  /** The table is written where somebody looks at it. */
  #fillTable() {
    const fold = part(this, "fold");
    const body = part(this, "table");
    if (!(fold instanceof HTMLDetailsElement) || !fold.open || !body) return;
    const setting = { tasks: this.dataset.tasks ?? "", words: this.page.words.chart, now: this.page.ticker.now() };
    const lines = chartData.table(this.data, setting);
    paintList(body, this.querySelector("template[data-row]"), lines);
    for (const [place, line] of lines.entries()) {
      const time = body.children[place]?.querySelector("time");
      setAttribute(time, "datetime", new Date(line.at * 1000).toISOString());
      setAttribute(time, "data-clock", chartData.clock(this.data));
    }
    localise(body);
  }

  /** @param {HTMLElement} parent */
  #listen(parent) {
    const { signal } = this.#abort;
    const plot = this.#drawn?.plot;
    if (!plot) return;
    plot.over.addEventListener("click", (event) => this.#click(event), { signal });
    parent.addEventListener("keydown", (event) => this.#key(event), { signal });
    parent.addEventListener("blur", () => this.#leave(), { signal });
    part(this, "fold")?.addEventListener("toggle", () => this.#fillTable(), { signal });
    addEventListener("popstate", () => this.visit(location.href, false), { signal });
    const resized = new ResizeObserver(() => {
      if (parent.clientWidth !== plot.width) plot.setSize({ width: parent.clientWidth, height: HEIGHT });
    });
    const themed = new MutationObserver(() => this.#recolour());
    resized.observe(parent);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.#recolour(), { signal });
    }
    const unwatch = this.page.feed.watch(() => this.#hear());
    signal.addEventListener("abort", () => {
      resized.disconnect();
      themed.disconnect();
      unwatch();
    });
  }

  /** The stream tells of an interruption before any page does. */
  #hear() {
    const gap = this.page.feed.status.stream?.gap;
    if (!this.#data || !gap || gap.from_at >= this.#data.until || (gap.until_at ?? Infinity) <= this.#data.from) return;
    const gaps = chartData.withGap(this.#data.gaps, gap);
    if (JSON.stringify(gaps) !== JSON.stringify(this.#data.gaps)) this.#show({ ...this.#data, gaps });
  }

  /** Reads the colours as the theme has them now. */
  #readInk() {
    const probe = document.createElement("i");
    probe.className = "hw-probe";
    this.append(probe);
    for (const name of INKS) {
      probe.dataset.ink = name;
      this.#ink[/** @type {keyof import ("../plot.js").Ink} */ (name)] = getComputedStyle(probe).color;
    }
    probe.remove();
  }

  #recolour() {
    this.#readInk();
    this.#drawn?.plot.redraw(false, true);
  }

  /** @param {number|null} index */
  #point(index) {
    this.#index = index;
    const tip = part(this, "tip");
    const at = index === null ? undefined : this.data.points[index];
    show(tip, at !== undefined);
    if (!tip || !at) return;
    const { time, finished, failed, started, note } = this.#reading(at);
    setText(part(tip, "time"), time);
    setText(part(tip, "finished"), finished);
    setText(part(tip, "failed"), failed);
    setText(part(tip, "started"), started);
    setText(part(tip, "note"), note);
    this.#place(tip);
  }

  /** @param {import ("../chart-data.js").Point} point */
  #reading([at, finished, failed, started]) {
    const { chart: words } = this.page.words;
    const { step } = this.data;
    const write = chartData.clock(this.data) === "moment" ? format.moment : format.minute;
    return {
      time: step > 60 ? `${write(at)} – ${format.minute(at + step)}` : write(at),
      finished: `${format.number(finished)} ${words.finished}`,
      failed: `${format.number(failed)} ${words.failed}`,
      started: `${format.number(started)} ${words.started}`,
      note: chartData.note(at, this.data, this.page.ticker.now(), words),
    };
  }

  /**
   * Beside the crosshair, on the side where there is room.
   *
   * @param {HTMLElement} tip
   */
  #place(tip) {
    const plot = this.#drawn?.plot;
    const parent = part(this, "plot");
    if (!plot || !parent) return;
    const left = parent.offsetLeft + plot.over.offsetLeft + (plot.cursor.left ?? 0);
    const room = parent.offsetLeft + parent.clientWidth - left - TIP_GAP;
    const x = tip.offsetWidth <= room ? left + TIP_GAP : Math.max(0, left - TIP_GAP - tip.offsetWidth);
    tip.style.transform = `translate(${Math.round(x)}px, ${parent.offsetTop + 16}px)`;
  }

  /**
   * @param {number} from
   * @param {number} until
   */
  #select(from, until) {
    this.#draggedAt = performance.now();
    this.#anchor = null;
    this.#drawn?.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const span = chartData.between(this.data, from, until);
    this.#view = span;
    this.#drawn?.update();
    this.visit(chartData.zoomUrl(location.href, span));
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const plot = this.#drawn?.plot;
    if (!plot || this.#index === null || performance.now() - this.#draggedAt < SAY_MS) return;
    const isTouch = event instanceof PointerEvent && event.pointerType === "touch";
    const isFirst = isTouch && this.#touched !== this.#index;
    this.#touched = this.#index;
    if (isFirst) return;
    const isFailed = isLower(event.offsetY / plot.over.clientHeight);
    // A second click means the whole range, where there is less of it to be seen.
    clearTimeout(this.#timer);
    if (event.detail > 1) return;
    const index = this.#index;
    this.#timer = window.setTimeout(() => this.#open(index, isFailed), this.data.is_zoomed ? SAY_MS : 0);
  }

  /**
   * @param {number} index
   * @param {boolean} isFailed
   */
  #open(index, isFailed) {
    const [at] = this.data.points[index] ?? [];
    if (at !== undefined) location.assign(chartData.listUrl(this.dataset.tasks ?? "", at, at + this.data.step, isFailed));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.data.points.filter(([at]) => at <= this.page.ticker.now()).length - 1;
    const here = this.#index ?? last + 1;
    /** @type {Record<string, number>} */
    const ways = { ArrowLeft: here - 1, ArrowRight: here + 1, PageUp: here - FAR, PageDown: here + FAR, Home: 0, End: last };
    const to = ways[event.key];
    if (to !== undefined) this.#move(Math.max(0, Math.min(last, to)), event.shiftKey);
    else if (event.key === "Enter") this.#enter(event.shiftKey);
    else if (event.key !== "Escape" || !this.#escape()) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * @param {number} index
   * @param {boolean} isMarking
   */
  #move(index, isMarking) {
    const plot = this.#drawn?.plot;
    if (!plot) return;
    if (!isMarking) this.#anchor = null;
    else this.#anchor ??= this.#index ?? index;
    const x = (/** @type {number} */ place) => plot.valToPos(plot.data[0][place] ?? 0, "x");
    plot.setCursor({ left: x(index), top: 0 });
    const [left, right] = [x(this.#anchor ?? index), x(index)].sort((a, b) => a - b);
    const width = this.#anchor === null ? 0 : /** @type {number} */ (right) - /** @type {number} */ (left);
    plot.setSelect({ left: left ?? 0, top: 0, width, height: width ? plot.over.clientHeight : 0 }, false);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#say(index), SAY_MS);
  }

  /** @param {number} index */
  #say(index) {
    const point = this.data.points[index];
    if (!point) return;
    const { time, finished, failed, note } = this.#reading(point);
    this.page.announce([time, finished, failed, note].filter(Boolean).join(", "));
  }

  /** @param {boolean} isFailed */
  #enter(isFailed) {
    if (this.#index === null) return;
    if (this.#anchor === null) {
      this.#open(this.#index, isFailed);
      return;
    }
    const [one, other] = [this.#anchor, this.#index].sort((a, b) => a - b);
    const { points, step } = this.data;
    this.#select(points[one ?? 0]?.[0] ?? 0, (points[other ?? 0]?.[0] ?? 0) + step);
  }

  /** @returns {boolean} whether there was anything to leave */
  #escape() {
    if (this.#anchor !== null) {
      this.#anchor = null;
      this.#drawn?.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      return true;
    }
    if (this.data.is_zoomed) {
      this.reset();
      return true;
    }
    const wasPointing = this.#index !== null;
    this.#leave();
    return wasPointing;
  }

  #leave() {
    this.#anchor = null;
    this.#drawn?.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#drawn?.plot.setCursor({ left: -10, top: -10 });
  }
}
