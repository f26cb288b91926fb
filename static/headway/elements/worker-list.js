/**
 * `<headway-worker-list>`: the told table of the workers, with what each of them runs.
 *
 * Attributes besides those of a told table: `data-task-url`, where a task's page is, with
 * `ID_PLACEHOLDER` where the id goes.
 *
 * @typedef {import ("../types.js").TaskRow} TaskRow
 */

import { part, setText } from "../dom.js";
import { Panels } from "../panels.js";
import { storeSource } from "../sources.js";
import { Store } from "../store.js";
import { shown, slots } from "../workers.js";
import { byWorker, paintRunning } from "./running-tasks.js";

/** What workers hold changes all the time; it is read at this pace. */
const PAUSE_MS = 3000;
const RUNNING = "status:running,stalled";
const RUNNING_LIMIT = 500;

/**
 * @param {typeof import ("./told-table.js").ToldTableElement} Table given, so that modules hang together at few levels
 */
export const workerList = (Table) => class WorkerListElement extends Table {
  /** @type {Store<TaskRow>} */
  #running = new Store((row) => row.id);
  /** Refused to a viewer who may not see tasks: then the column stays as the server wrote it. */
  #runningSource = storeSource(this.#running, () => ({ of: "tasks", query: RUNNING, limit: RUNNING_LIMIT }), () => {});
  #panels = new Panels(this, PAUSE_MS);
  /** What the panels were written from. */
  #fleet = "";

  connectedCallback() {
    super.connectedCallback();
    this.#running.listen(() => this.#paintRunning());
    this.page.feed.open(this.#runningSource);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.page.feed.close(this.#runningSource);
    this.#panels.stop();
  }

  /** The version that most have. */
  get hasSharedCells() {
    return true;
  }

  rows() {
    const { forget_after: forgetAfter } = /** @type {any} */ (this.told);
    return shown(super.rows().sort((a, b) => (a.name < b.name ? -1 : 1)), forgetAfter);
  }

  render(isAsked = false) {
    super.render(isAsked);
    const rows = this.store.values();
    setText(part(this, "slots"), slots(rows, this.told.words.slots));
    const fleet = JSON.stringify(rows.map((row) => [row.name, row.state, row.active, row.processed]));
    if (this.#fleet && fleet !== this.#fleet) this.#panels.expire();
    this.#fleet = fleet;
    this.#paintRunning();
  }

  /**
   * @param {Element} element
   * @param {any} row
   * @param {import ("../cells.js").Row} line
   */
  paintRow(element, row, line) {
    super.paintRow(element, row, line);
    const held = part(element, "held");
    if (held) held.dataset.panel = `held-${row.name}`;
  }

  #paintRunning() {
    if (!this.#running.cursor) return;
    const running = byWorker(this.#running.values());
    const now = this.page.ticker.shownAt();
    const urlOf = (/** @type {string} */ id) => (this.dataset.taskUrl ?? "").replace("ID_PLACEHOLDER", () => encodeURIComponent(id));
    for (const row of this.querySelectorAll("tbody > [data-key]")) {
      paintRunning(part(row, "active"), running.get(row.getAttribute("data-key") ?? "") ?? [], { now, urlOf });
    }
  }
};
