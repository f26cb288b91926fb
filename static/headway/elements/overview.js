/**
 * `<headway-overview>`: what is wrong, how busy it is and how it went, as it changes. The lines
 * are those that the server wrote first.
 *
 * @typedef {HTMLElement & {isLive: boolean, advance(series: number[][]): void,
 *   visit(url: string, isNew?: boolean): void}} Chart `<headway-chart>`
 */

import { paint, paintList } from "../bind.js";
import { pageData, part, setText, show } from "../dom.js";
import * as format from "../format.js";
import * as overview from "../overview.js";
import { PageElement } from "../page.js";
import { problems, SHOWN } from "../problems.js";
import { said } from "../said.js";
import { storeSource } from "../sources.js";
import { Store } from "../store.js";
import { visit } from "../visit.js";
import { fill } from "../words.js";

/** A chart of more than the last hour is read again this often. */
const CHART_MS = 60_000;
/** Whoever moved the pointer so recently is about to press something: nothing is pushed down. */
const STILL_MS = 2000;

export class OverviewElement extends PageElement {
  /** @type {Store<any>} */
  #store = new Store((row) => row.id);
  #source = storeSource(this.#store, () => ({ of: "overview" }), (refusal) => this.#refuse(said(refusal.message, this.page.words.said)));

  /** @type {Store<any>} */
  #workers = new Store((row) => row.name);
  #workersSource = storeSource(this.#workers, () => ({ of: "workers" }), (refusal) => this.#refuse(said(refusal.message, this.page.words.said)));

  /** @type {import ("../telling.js").Links} */
  #links = pageData("headway-links");
  #movedAt = -Infinity;
  #timer = 0;
  #chartTimer = 0;
  /** @type {string[]} the problems that are shown */
  #said = [];
  #abort = new AbortController();

  connectedCallback() {
    const { signal } = this.#abort = new AbortController();
    this.#links = pageData("headway-links");
    this.#open(this.#store, this.#source, "headway-rows", () => this.#render());
    if (pageData("headway-workers")) this.#open(this.#workers, this.#workersSource, "headway-workers", () => this.#renderWorkers());
    this.#said = this.#problems().map((/** @type {any} */ line) => line.key);
    this.addEventListener("pointermove", () => { this.#movedAt = performance.now(); }, { signal });
    this.addEventListener("click", (event) => this.#click(event), { signal });
    signal.addEventListener("abort", this.page.feed.watch(() => this.#stampTime()));
    this.#chartTimer = window.setInterval(() => this.#refreshChart(), CHART_MS);
  }

  disconnectedCallback() {
    this.#abort.abort();
    clearInterval(this.#chartTimer);
    clearTimeout(this.#timer);
    this.page.feed.close(this.#source);
    this.page.feed.close(this.#workersSource);
  }

  /**
   * @param {Store<any>} store
   * @param {import ("../feed.js").Source} source
   * @param {string} id of the rows that the page came with
   * @param {() => void} render
   */
  #open(store, source, id, render) {
    const first = pageData(id);
    if (first) store.seed(first);
    this.#abort.signal.addEventListener("abort", store.listen(render));
    this.page.feed.open(source);
  }

  /** @returns {any} */
  get #row() {
    return this.#store.get("overview");
  }

  /** @returns {import ("../telling.js").Setting} */
  get #setting() {
    const { words, ticker } = this.page;
    return { links: this.#links, words, now: ticker.shownAt() };
  }

  get #chart() {
    return /** @type {Chart|null} */ (this.querySelector("headway-chart"));
  }

  /** What is shown while nothing is heard says as of when. */
  #stampTime() {
    const { phase, heardAt } = this.page.feed.status;
    const stamp = part(this, "asof");
    const isCut = heardAt !== null && (phase === "waiting" || phase === "stopped");
    if (isCut) setText(stamp, fill(this.page.words.stream.as_of, { time: format.clock(heardAt) }));
    if (phase !== "connecting") show(stamp, isCut);
  }

  /** @param {string} message */
  #refuse(message) {
    const failed = this.querySelector("[data-failed]");
    if (failed) setText(part(failed, "text"), message);
    show(failed, true);
  }

  #render() {
    const row = this.#row;
    if (!row) return;
    if (this.dataset.empty !== undefined) {
      // The first task was seen: only the server can write the whole page.
      visit(location.href, { isNew: false });
      return;
    }
    const setting = this.#setting;
    for (const [name, line] of Object.entries(overview.tiles(row, setting))) this.#renderTile(name, line);
    this.#renderPanel("failures", overview.failures(row, setting));
    this.#renderPanel("queues", overview.queues(row, setting));
    this.#renderPanel("latencies", overview.latencies(row, setting));
    if (row.series) this.#chart?.advance(row.series);
    this.#renderProblems();
  }

  #renderWorkers() {
    const rows = this.#workers.values();
    this.#renderPanel("workers", overview.workers(rows, this.#setting));
    const counts = part(this, "fleet");
    if (!counts) return;
    for (const [health, text] of Object.entries(overview.fleet(rows, this.page.words))) setText(part(counts, health), text);
  }

  /**
   * @param {string} name
   * @param {Record<string, any>} line
   */
  #renderTile(name, line) {
    const tile = this.querySelector(`[data-tile="${name}"]`);
    if (!tile) return;
    paint(tile, line);
    if (line.beside) paintList(tile.querySelector("[data-list]"), tile.querySelector("template"), line.beside);
  }

  /**
   * @param {string} name
   * @param {Record<string, any>[]} lines
   */
  #renderPanel(name, lines) {
    const panel = this.querySelector(`[data-of="${name}"]`);
    if (!panel) return;
    paintList(panel.querySelector("[data-list]"), panel.querySelector("template[data-row]"), lines);
    show(panel.querySelector("table"), lines.length > 0);
    show(panel.querySelector("[data-none]"), lines.length === 0);
  }

  #problems() {
    return this.#row ? problems(this.#row, this.#setting) : [];
  }

  /** A problem that comes pushes the page down: not while somebody is at work on it. */
  #renderProblems() {
    const lines = this.#problems();
    const keys = lines.map((/** @type {any} */ line) => line.key);
    clearTimeout(this.#timer);
    const wait = this.#movedAt + STILL_MS - performance.now();
    if (keys.join("\n") !== this.#said.join("\n") && wait > 0) {
      this.#timer = window.setTimeout(() => this.#renderProblems(), wait);
      return;
    }
    this.#announce(lines);
    this.#said = keys;
    this.#paintProblems(lines);
  }

  /** @param {any[]} lines */
  #paintProblems(lines) {
    const section = part(this, "problems");
    const further = lines.slice(SHOWN);
    const template = section?.querySelector("template") ?? null;
    paintList(section?.querySelector('[data-list="problems"]') ?? null, template, lines.slice(0, SHOWN));
    paintList(section?.querySelector('[data-list="further"]') ?? null, template, further);
    if (section) setText(part(section, "count"), fill(this.page.words.overview.more_problems, { count: further.length }));
    show(section?.querySelector("details"), further.length > 0);
    show(section, lines.length > 0);
  }

  /** What is new, and never the figures in it. @param {any[]} lines */
  #announce(lines) {
    const news = lines.filter((/** @type {any} */ line) => !this.#said.includes(line.key)).map((line) => line.title);
    if (news.length) this.page.announce(news.join(" "));
  }

  #refreshChart() {
    const chart = this.#chart;
    if (chart && !chart.isLive && !document.hidden && this.page.feed.status.phase === "open") chart.visit(location.href, false);
  }

  /** Another range, and the whole of it, without leaving the page. @param {MouseEvent} event */
  #click(event) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a[data-range], a[data-reset]") : null;
    if (!(link instanceof HTMLAnchorElement) || !this.#chart) return;
    event.preventDefault();
    this.#chart.visit(link.href);
  }
}
