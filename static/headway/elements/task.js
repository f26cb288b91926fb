/**
 * `<headway-task>`: one task's page, live.
 *
 * State, progress and running time come from the feed as they change. The panels (timeline,
 * attempts, result, traceback, facts) change only with a step of the task: then the server, which
 * knows how to write them, is asked for the page again and its `data-panel` parts take the place
 * of ours.
 *
 * Attributes: `data-id`.
 *
 * @typedef {import ("../types.js").TaskRow} TaskRow
 */

import { field, pageData, part, setState, setText, show } from "../dom.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";
import { Panels } from "../panels.js";
import { said } from "../said.js";
import { storeSource } from "../sources.js";
import { Store } from "../store.js";
import { copyText } from "./copy.js";
import { paintName, paintProgress } from "./task-row.js";

/** A task that goes through several steps at once is read once. */
const PAUSE_MS = 1000;

/** @param {import ("../types.js").Progress|null} progress the panels tell of it, but not of every step */
const tenths = (progress) => (progress?.percent ? Math.floor(progress.percent / 10) : 0);

/**
 * What the panels are written from: while this is the same, so are they.
 *
 * @param {TaskRow} row
 */
export function step(row) {
  return JSON.stringify([row.status, row.conclusion, row.retries, row.worker, row.received_at, row.started_at, row.finished_at,
    row.retry_at, row.reason, row.exception, row.attempts?.length, row.name, row.queue, row.progress?.stage, tenths(row.progress)]);
}

export class TaskElement extends PageElement {
  /** @type {Store<TaskRow>} */
  #store = new Store((row) => row.id);
  #source = storeSource(this.#store, () => ({ of: "task", id: this.#id }), (refusal) => this.#refuse(said(refusal.message, this.page.words.said)));
  #step = "";
  #panels = new Panels(this, PAUSE_MS);

  get #id() {
    return this.dataset.id ?? "";
  }

  connectedCallback() {
    const first = pageData("headway-row");
    if (first?.row) this.#store.seed({ epoch: first.epoch, revision: first.revision, rows: [first.row] });
    const row = this.#store.get(this.#id);
    if (row) this.#step = step(row);
    this.#store.listen(() => this.#take());
    this.addEventListener("click", (event) => this.#copyJson(event));
    this.page.feed.open(this.#source);
  }

  disconnectedCallback() {
    this.page.feed.close(this.#source);
    this.#panels.stop();
  }

  /** @param {string} message */
  #refuse(message) {
    const failed = this.querySelector("[data-failed]");
    if (failed) setText(part(failed, "text"), message);
    show(failed, true);
  }

  /** What the API says of the task, which is what its viewer may see. @param {Event} event */
  async #copyJson(event) {
    const button = event.target instanceof Element ? event.target.closest("[data-copy-json]") : null;
    if (!(button instanceof HTMLElement)) return;
    const answer = await fetch(button.dataset.copyJson ?? "", { headers: { accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) return this.page.announce(this.page.words.page.unreachable ?? "");
    await copyText(JSON.stringify(await answer.json(), null, 2), this.page);
  }

  #take() {
    const row = this.#store.get(this.#id);
    if (!row) return this.#panels.expire();
    const { words, ticker } = this.page;
    const { state, word } = format.look(row);
    setState(field(this, "state"), state, words.states[state] ?? word);
    paintName(field(this, "name"), row);
    paintProgress(field(this, "progress"), row, words, ticker.shownAt());
    const now = step(row);
    if (now !== this.#step) this.#panels.expire();
    this.#step = now;
  }
}
