/**
 * `<headway-failures>`: the groups of failures, live; each is unfolded below itself, with what the
 * server knows of its tasks, and muted, resolved or opened again in place.
 *
 * Attributes: `data-query` and `data-limit` of the view, `data-tab` (which groups are shown),
 * `data-asked` (range and tab in addresses), `data-opened` (the group that came unfolded),
 * `data-may-change`, `data-may-retry`, `data-api`.
 */

import { ask } from "../acting.js";
import * as actions from "../actions.js";
import { stampTime } from "../asof.js";
import { paintList } from "../bind.js";
import { isTyping, localise, make, pageData, part, setAttribute, setText, show } from "../dom.js";
import * as failures from "../failures.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";
import { said } from "../said.js";
import { storeSource } from "../sources.js";
import { Store } from "../store.js";
import { fetchPage } from "../fetching.js";

/** What is unfolded is read again no oftener, however fast its group fails. */
const DETAIL_MS = 5000;
/** @type {Record<string, number>} */
const MUTE_FOR_S = { hour: 3600, day: 86_400, week: 604_800 };

export class FailuresElement extends PageElement {
  /** @type {Store<any>} */
  #store = new Store((row) => row.signature);
  #source = storeSource(this.#store, () => ({ of: "failures", query: this.dataset.query ?? "", limit: Number(this.dataset.limit) }), (refusal) => this.#complain(said(refusal.message, this.page.words.said)));
  /** @type {import ("../telling.js").Links} */
  #links = pageData("headway-links");
  #opened = this.dataset.opened ?? "";
  #cursor = "";
  /** Groups that are shown whatever becomes of them: nothing leaves under the pointer. @type {Set<string>} */
  #shown = new Set();
  /** The group that came unfolded, where it is none of the view. @type {any} */
  #alone = null;
  #detailTimer = 0;
  #abort = new AbortController();
  #api = actions.caller(this.dataset.api ?? "", () => document.querySelector('meta[name="headway-csrf"]')?.getAttribute("content") ?? "", (url, init) => fetch(url, init));

  connectedCallback() {
    const { signal } = this.#abort = new AbortController();
    this.#links = pageData("headway-links");
    this.#opened = this.dataset.opened ?? "";
    const first = pageData("headway-rows");
    if (first) this.#store.seed(first);
    this.#alone = first?.alone ?? null;
    this.#shown = new Set(this.#lines().map((element) => element.dataset.key ?? ""));
    signal.addEventListener("abort", this.#store.listen(({ changed }) => this.#take(changed)));
    signal.addEventListener("abort", stampTime(part(this, "asof"), this.page));
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("submit", (event) => this.#submit(event), { signal });
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.page.feed.open(this.#source);
    this.#render();
  }

  disconnectedCallback() {
    this.#abort.abort();
    clearTimeout(this.#detailTimer);
    this.#detailTimer = 0;
    this.page.feed.close(this.#source);
  }

  /** @returns {HTMLElement[]} */
  #lines() {
    return [...this.querySelectorAll("[data-list='groups'] > li")].filter((element) => element instanceof HTMLElement);
  }

  /** @param {string} signature */
  #line(signature) {
    return this.#lines().find((element) => element.dataset.key === signature) ?? null;
  }

  // --- what is true

  /** @param {string} signature @returns {any} */
  #row(signature) {
    return this.#store.get(signature) ?? (this.#alone?.signature === signature ? this.#alone : undefined);
  }

  /** The rows of the view, and the group that failed before its range began. @returns {any[]} */
  #rows() {
    const rows = this.#store.values();
    return this.#alone && !this.#store.get(this.#alone.signature) ? [...rows, this.#alone] : rows;
  }

  /** @param {Set<string>} changed */
  #take(changed) {
    this.#render();
    if (this.#opened && changed.has(this.#opened)) this.#refreshDetail();
  }

  #render() {
    const tab = this.dataset.tab ?? "all";
    const all = this.#store.values();
    const rows = this.#rows().filter((row) => tab === "all" || row.state === tab || this.#shown.has(row.signature));
    for (const { signature } of rows) this.#shown.add(signature);
    const { words, ticker } = this.page;
    const setting = { links: this.#links, words, now: ticker.shownAt() };
    const inOrder = this.#isHeld ? failures.held(rows, this.#lines().map(({ dataset }) => dataset.key ?? "")) : failures.ordered(rows);
    paintList(this.querySelector("[data-list='groups']"), this.querySelector("template[data-row]"), inOrder.map((row) => failures.line(row, setting)));
    this.#mark();
    this.#paintCounts(all);
    show(part(this, "columns"), this.#lines().length > 0);
    show(this.querySelector("[data-none]"), this.#lines().length === 0);
  }

  /** Somebody is at work on a line: none changes places. */
  get #isHeld() {
    return this.#opened !== "" || this.#cursor !== "" || this.contains(document.activeElement);
  }

  /** @param {any[]} rows */
  #paintCounts(rows) {
    const counts = failures.counts(rows);
    const isCapped = rows.length >= Number(this.dataset.limit);
    for (const tab of this.querySelectorAll("[data-group-tab]")) {
      setText(tab.querySelector("b"), format.capped([counts[tab.getAttribute("data-group-tab") ?? ""] ?? 0, isCapped]));
    }
  }

  /** Shows which line is unfolded and which the keyboard is at. */
  #mark() {
    for (const element of this.#lines()) {
      const isOpen = element.dataset.key === this.#opened;
      element.toggleAttribute("data-open", isOpen);
      element.classList.toggle("cursor", element.dataset.key === this.#cursor);
      setAttribute(element.querySelector(".what [data-unfold]"), "aria-expanded", String(isOpen));
      if (!isOpen) element.querySelector("[data-list='detail']")?.replaceChildren();
    }
  }

  /** @param {string} message empty takes it away */
  #complain(message) {
    const failed = this.querySelector("[data-failed]");
    if (failed) setText(part(failed, "text"), message);
    show(failed, message !== "");
    if (message) this.page.announce(message);
  }

  // --- unfolding

  /** @param {string} signature */
  async #unfold(signature) {
    this.#opened = signature === this.#opened ? "" : signature;
    this.#cursor = signature;
    const url = this.#opened ? this.#urlOf(signature) : this.#links.failures + (this.dataset.asked ?? "");
    history.replaceState(null, "", url);
    const line = this.#line(signature);
    const isInside = line?.querySelector("[data-list='detail']")?.contains(document.activeElement);
    this.#mark();
    // What had the focus is folded away.
    if (isInside) /** @type {HTMLElement|null} */ (line?.querySelector(".what a"))?.focus();
    if (!this.#opened) return;
    const list = this.#line(signature)?.querySelector("[data-list='detail']");
    list?.replaceChildren(make("p", { class: "hw-3 hw-detail" }, this.page.words.failures.loading ?? ""));
    await this.#readDetail();
  }

  /** @param {string} signature */
  #urlOf(signature) {
    return this.#links.failure.replace("ID_PLACEHOLDER", () => encodeURIComponent(signature));
  }

  #refreshDetail() {
    if (this.#detailTimer) return;
    this.#detailTimer = window.setTimeout(() => {
      this.#detailTimer = 0;
      // Not under somebody's hands.
      const detail = this.querySelector("[data-detail]");
      if (detail?.contains(document.activeElement) || detail?.matches(":hover")) return this.#refreshDetail();
      this.#readDetail();
    }, DETAIL_MS);
  }

  async #readDetail() {
    const signature = this.#opened;
    const page = signature ? await fetchPage(this.#urlOf(signature)).catch(() => null) : null;
    if (!signature || signature !== this.#opened) return;
    const list = this.#line(signature)?.querySelector("[data-list='detail']");
    const theirs = page?.querySelector("[data-detail]");
    if (!theirs) return list?.replaceChildren(make("p", { class: "hw-3 hw-detail" }, this.page.words.failures.unreachable ?? ""));
    const copy = document.importNode(theirs, true);
    localise(copy);
    list?.replaceChildren(copy);
  }

  // --- deciding

  /** @param {SubmitEvent} event */
  #submit(event) {
    const form = event.target instanceof HTMLFormElement ? event.target : null;
    if (!form?.matches("[data-decide]")) return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    this.#decide(this.#opened, String(data.get("decision")), String(data.get("for") ?? ""));
  }

  /** @param {string} signature @param {string} decision @param {string} span of a muting */
  async #decide(signature, decision, span = "") {
    const seconds = MUTE_FOR_S[span];
    const body = decision === "mute" ? { until: seconds ? Math.round(this.page.ticker.shownAt() + seconds) : null } : {};
    this.#complain("");
    const answer = await this.#api.post({ path: `failures/${encodeURIComponent(signature)}/${decision}`, body });
    if (answer.status !== 200) return this.#complain(actions.fault(answer, this.page.words));
    this.page.announce(this.page.words.failures[`said_${decision}`] ?? "");
    this.#put(signature, answer.body);
    if (this.#opened === signature) await this.#readDetail();
    const link = this.#line(signature)?.querySelector(".what a");
    if (link instanceof HTMLElement) link.focus();
  }

  /** What was decided is shown at once; the view tells the same a moment later. @param {string} signature @param {any} group as the API tells it */
  #put(signature, { state, state_by, muted_until, returned_at }) {
    const row = this.#row(signature);
    if (!row) return;
    const at = (/** @type {string|null} */ text) => (text === null ? null : Date.parse(text) / 1000);
    Object.assign(row, { state, state_by, muted_until: at(muted_until), returned_at: at(returned_at) });
    this.#render();
  }

  // --- hands

  /** @param {MouseEvent} event */
  #click(event) {
    if (!(event.target instanceof Element) || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const row = event.target.closest(".row");
    if (!row || event.target.closest("a:not([data-unfold])")) return;
    if (String(getSelection()) && !event.target.closest("a")) return;
    event.preventDefault();
    this.#unfold(row.closest("li")?.dataset.key ?? "");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isTyping(event)) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      j: () => this.#move(1),
      k: () => this.#move(-1),
      r: () => this.#atCursor((signature) => this.#retry(signature)),
      m: () => this.#atCursor((signature) => this.#openMute(signature)),
      e: () => this.#atCursor((signature) => this.#settle(signature)),
      Escape: () => { if (this.#opened) this.#unfold(this.#opened); },
    };
    if (!event.repeat || event.key === "j" || event.key === "k") keys[event.key]?.();
  }

  /** @param {(signature: string) => void} act */
  #atCursor(act) {
    const signature = this.#cursor || this.#opened;
    if (signature && this.#line(signature)) act(signature);
  }

  /** @param {number} step */
  #move(step) {
    const lines = this.#lines();
    const place = lines.findIndex((element) => element.dataset.key === this.#cursor);
    const next = lines[place < 0 ? 0 : Math.max(0, Math.min(lines.length - 1, place + step))];
    if (!next) return;
    this.#cursor = next.dataset.key ?? "";
    this.#mark();
    const link = next.querySelector(".what a");
    if (link instanceof HTMLElement) link.focus();
  }

  /** @param {string} signature */
  #retry(signature) {
    const group = this.#row(signature);
    if (group && this.dataset.mayRetry !== undefined) ask("retry", { signature, name: group.type });
  }

  /** @param {string} signature */
  async #openMute(signature) {
    if (this.dataset.mayChange === undefined) return;
    if (this.#opened !== signature) await this.#unfold(signature);
    const menu = this.#line(signature)?.querySelector("[data-mute]");
    if (!(menu instanceof HTMLDetailsElement)) return;
    menu.open = true;
    menu.querySelector("button")?.focus();
  }

  /** Resolves what is open or muted, and opens again what is resolved. @param {string} signature */
  #settle(signature) {
    if (this.dataset.mayChange === undefined) return;
    this.#decide(signature, this.#row(signature)?.state === "resolved" ? "reopen" : "resolve");
  }
}
