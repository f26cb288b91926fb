/**
 * `<headway-worker-list>`: the live list of workers, in the order of their names.
 *
 * Attributes: `data-url` and `data-task-url`, where a worker's and a task's page are, each with
 * `data-url-placeholder` where the name or id goes.
 *
 * @typedef {import("../types.js").TaskRow} TaskRow
 * @typedef {import("../types.js").WorkerRow} WorkerRow
 */

import { field, pageData, part, setAttribute, setText, show, stamp } from "../dom.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";
import { Panels } from "../panels.js";
import { storeSource } from "../sources.js";
import { Store } from "../store.js";
import { byWorker, paintRunning } from "./running-tasks.js";
import { paintAge } from "./task-row.js";

/** Busy slots change all the time; their sum is read at this pace. */
const PAUSE_MS = 3000;
const RUNNING = "status:running,stalled";
const RUNNING_LIMIT = 500;

/** A clock this far off makes the ages on the page wrong enough to see. */
const SKEW_LIMIT_S = 1;

/**
 * Slots in use of a worker's pool, as text and percent.
 *
 * @param {WorkerRow} row
 */
export function use(row) {
  const slots = row.concurrency;
  return slots ? { text: `${row.active}/${slots}`, percent: Math.min(100, Math.round((100 * row.active) / slots)) } : { text: String(row.active), percent: 0 };
}

/** @param {string} name a value of the query language, quoted where it must be */
const quoted = (name) => (/[\s,"*\\]|^-/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name);

export class WorkerListElement extends PageElement {
  /** @type {Store<WorkerRow>} */
  #store = new Store((row) => row.name);
  #source = storeSource(this.#store, () => ({ of: "workers" }), (refusal) => this.#refuse(refusal.message));

  /** @type {Store<TaskRow>} */
  #running = new Store((row) => row.id);
  /** Refused to a viewer who may not see tasks: then the column stays as the server wrote it. */
  #runningSource = storeSource(this.#running, () => ({ of: "tasks", query: RUNNING, limit: RUNNING_LIMIT }), () => {});

  #panels = new Panels(this, PAUSE_MS);
  /** What the summary is written from. */
  #fleet = "";

  connectedCallback() {
    const first = pageData("headway-rows");
    if (first) this.#store.seed(first);
    this.#store.listen(() => this.#render());
    this.#running.listen(() => this.#paintRunning());
    this.page.feed.open(this.#source);
    this.page.feed.open(this.#runningSource);
  }

  disconnectedCallback() {
    this.page.feed.close(this.#source);
    this.page.feed.close(this.#runningSource);
    this.#panels.stop();
  }

  #paintRunning() {
    if (!this.#running.cursor) return;
    const running = byWorker(this.#running.values());
    const now = this.page.ticker.shownAt();
    const urlOf = (/** @type {string} */ id) => this.#urlOf(this.dataset.taskUrl, id);
    for (const row of this.querySelectorAll("tbody tr[data-id]")) {
      paintRunning(field(row, "active"), running.get(row.getAttribute("data-id") ?? "") ?? [], { now, urlOf });
    }
  }

  /** @param {string|undefined} url @param {string} id */
  #urlOf(url, id) {
    return (url ?? "").replace(this.dataset.urlPlaceholder ?? "ID_PLACEHOLDER", () => encodeURIComponent(id));
  }

  /** @param {string} message */
  #refuse(message) {
    const failed = this.querySelector("[data-failed]");
    if (failed) setText(part(failed, "text"), message);
    show(failed, true);
  }

  #render() {
    const body = this.querySelector("tbody");
    const template = this.querySelector("template[data-row]");
    if (!body || !(template instanceof HTMLTemplateElement)) return;
    const rows = this.#store.values().sort((a, b) => (a.name < b.name ? -1 : 1));
    const held = new Map([...body.querySelectorAll("tr[data-id]")].map((row) => [row.getAttribute("data-id"), row]));
    for (const [place, row] of rows.entries()) {
      const element = held.get(row.name) ?? stamp(template);
      held.delete(row.name);
      if (body.children[place] !== element) body.insertBefore(element, body.children[place] ?? null);
      this.#paint(element, row);
    }
    for (const gone of held.values()) gone.remove();
    this.#paintRunning();
    show(this.querySelector("table"), rows.length > 0);
    show(this.querySelector("[data-empty]"), rows.length === 0);
    const fleet = JSON.stringify(rows.map((row) => [row.state, row.active, row.concurrency]));
    if (fleet !== this.#fleet) this.#panels.expire();
    this.#fleet = fleet;
  }

  /**
   * @param {Element} tr
   * @param {WorkerRow} row
   */
  #paint(tr, row) {
    const { health } = this.page.words;
    const isGone = row.state === "gone";
    setAttribute(tr, "data-id", row.name);
    setAttribute(tr, "data-health", row.state);
    this.#paintName(field(tr, "name"), row);
    setText(field(tr, "health"), health[row.state] ?? row.state);
    setText(field(tr, "queues"), (row.queues ?? []).join(", "));
    const { text, percent } = use(row);
    const cell = field(tr, "use");
    if (cell) setText(part(cell, "text"), text);
    setAttribute(cell?.querySelector("rect"), "width", `${percent}%`);
    if (cell) show(part(cell, "bar"), Boolean(row.concurrency));
    setText(field(tr, "pool"), row.pool ?? "");
    setText(field(tr, "processed"), format.number(row.processed));
    setText(field(tr, "load"), row.loadavg?.length && !isGone ? Number(row.loadavg[0]).toFixed(2) : format.NONE);
    setAttribute(field(tr, "load"), "title", (row.loadavg ?? []).map((figure) => figure.toFixed(2)).join(" "));
    setText(field(tr, "offset"), isGone ? format.NONE : format.offset(row.clock_offset));
    field(tr, "offset")?.classList.toggle("hw-warn", Math.abs(row.clock_offset ?? 0) >= SKEW_LIMIT_S);
    setText(field(tr, "version"), row.sw_ver ?? format.NONE);
    paintAge(field(tr, "age"), row.last_heartbeat_at, this.page.ticker.shownAt());
  }

  /**
   * @param {HTMLElement|null} link
   * @param {WorkerRow} row
   */
  #paintName(link, row) {
    if (!link) return;
    const [name, host] = format.worker(row.name);
    setAttribute(link, "data-health", row.state);
    setAttribute(link, "title", row.name);
    if (this.dataset.url) setAttribute(link, "href", this.#urlOf(this.dataset.url, quoted(row.name)));
    if (link.textContent === name + host) return;
    const outer = document.createElement("span");
    const quiet = document.createElement("span");
    quiet.className = "hw-3";
    quiet.textContent = host;
    outer.append(name, quiet);
    link.replaceChildren(outer);
  }
}
