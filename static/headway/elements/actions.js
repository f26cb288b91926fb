/**
 * `<headway-actions>`: the dialog that asks before tasks are revoked or retried, names what it
 * will hit, and tells what came of it.
 *
 * It is opened by the event `headway:act` on the document, with `{action, target}`, by every
 * `[data-act]` button (`data-act-id`, `-name`, `-state` of one task, or `-signature` of a failure
 * group), and on a page with such buttons by the keys `r`, `v` and `c`.
 *
 * Attributes: `data-api`, `data-task-url` (with `ID_PLACEHOLDER`).
 *
 * @typedef {import ("../actions.js").Action} Action
 * @typedef {import ("../actions.js").Target} Target
 * @typedef {import ("../actions.js").Operation} Operation
 * @typedef {"counting"|"asking"|"sending"|"going"|"over"} Phase
 */

import { fits, isRunning } from "../acting.js";
import * as actions from "../actions.js";
import { isTyping, make, part, setAttribute, setText, show } from "../dom.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";
import { fill } from "../words.js";
import * as lines from "./action-lines.js";

/** From here on one says that the server is slow. */
const SLOW_MS = 3000;
const POLL_MS = 1000;
const SHOWN_OUTCOMES = 200;
/** @type {Record<string, Action>} */
const KEYS = { r: "retry", v: "revoke", c: "revoke" };

/** @param {HTMLElement} button @returns {Target|null} what a `[data-act]` button is about */
function targetOf({ dataset }) {
  const name = dataset.actName ?? "";
  if (dataset.actSignature) return { signature: dataset.actSignature, name };
  return dataset.actId ? { id: dataset.actId, name, state: dataset.actState ?? "unknown" } : null;
}

export class ActionsElement extends PageElement {
  /** @type {Action} */
  #action = "retry";
  /** @type {Target} */
  #target = { ids: [] };
  /** @type {Phase} */
  #phase = "over";
  /** @type {import ("../actions.js").Counted|null} */
  #counted = null;
  /** @type {Operation|null} */
  #operation = null;
  #pollTimer = 0;
  /** Another question was opened since: its answer is nobody's. */
  #turn = 0;
  /** What had the focus before. @type {Element|null} */
  #opener = null;
  #abort = new AbortController();
  #api = actions.caller(this.dataset.api ?? "", () => document.querySelector('meta[name="headway-csrf"]')?.getAttribute("content") ?? "", (url, init) => fetch(url, init));

  connectedCallback() {
    const { signal } = this.#abort = new AbortController();
    document.addEventListener("headway:act", (event) => this.#open(/** @type {CustomEvent} */ (event).detail), { signal });
    document.addEventListener("click", (event) => this.#press(event), { signal });
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#on("go", "click", () => this.#go());
    this.#on("stop", "click", () => this.#stop());
    this.#on("terminate", "change", () => this.#paint());
    this.#on("chip", "click", () => this.#show());
    this.#on("each", "toggle", () => this.#listOutcomes());
    this.#dialog.addEventListener("close", () => this.#closed(), { signal });
  }

  disconnectedCallback() {
    this.#abort.abort();
    clearTimeout(this.#pollTimer);
  }

  /** @returns {HTMLDialogElement} */
  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** @param {string} name @param {string} event @param {() => void} run */
  #on(name, event, run) {
    part(this, name)?.addEventListener(event, run, { signal: this.#abort.signal });
  }

  // --- opening

  /** @param {MouseEvent} event */
  #press(event) {
    const button = event.target instanceof Element ? event.target.closest("[data-act]") : null;
    if (!(button instanceof HTMLElement) || event.defaultPrevented) return;
    const target = targetOf(button);
    if (!target) return;
    event.preventDefault();
    this.#open({ action: /** @type {Action} */ (button.dataset.act), target });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const action = KEYS[event.key];
    if (!action || isTyping(event) || event.repeat) return;
    const button = document.querySelector(`main [data-act="${action}"][data-key]`);
    if (button instanceof HTMLElement) button.click();
  }

  /** @param {{action: Action, target: Target}} question */
  #open({ action, target }) {
    if (this.#dialog.open || this.#phase === "sending" || this.#phase === "going") return this.#show();
    this.#turn += 1;
    this.#action = action;
    this.#target = target;
    this.#counted = null;
    this.#operation = null;
    this.#clear();
    if (!actions.isOne(target)) this.#count();
    else if (fits(action, target.state)) this.#turnTo("asking");
    else this.#refuse(this.page.words.actions[`why_${action}`] ?? "");
    this.#show();
  }

  #show() {
    if (this.#dialog.open) return;
    show(part(this, "chip"), false);
    this.#opener = document.activeElement;
    this.#dialog.showModal();
    // Where something is ended, the way back is what a hasty Enter takes.
    const first = this.#phase === "asking" && this.#action === "retry" ? "go" : "close";
    part(this, first)?.focus();
  }

  #clear() {
    const terminate = this.#terminate;
    const target = this.#target;
    if (terminate) terminate.checked = actions.isOne(target) && isRunning(target.state);
    for (const name of ["reasons", "targets", "warnings", "what"]) part(this, name)?.replaceChildren();
    part(this, "each")?.removeAttribute("open");
    for (const name of ["new", "each", "slow"]) show(part(this, name), false);
    this.#complain("");
  }

  /** @returns {HTMLInputElement|null} */
  get #terminate() {
    return /** @type {HTMLInputElement|null} */ (part(this, "terminate"));
  }

  /** @returns {import ("../actions.js").How} */
  get #how() {
    const signal = /** @type {HTMLSelectElement|null} */ (part(this, "signal"))?.value ?? "SIGTERM";
    return { terminate: this.#action === "revoke" && Boolean(this.#terminate?.checked), signal };
  }

  // --- asking

  async #count() {
    part(this, "what")?.replaceChildren();
    this.#turnTo("counting");
    const answer = await this.#waitFor(this.#api.post(actions.count(this.#action, this.#target)));
    if (!answer) return;
    if (answer.status !== 200) return this.#refuse(actions.fault(answer, this.page.words));
    const { words } = this.page;
    this.#counted = answer.body;
    const { count, is_over_limit: isOver, limit } = answer.body;
    if (isOver) return this.#refuse(fill(words.actions.too_many, { limit: format.number(limit) }));
    if (count === 0) return this.#refuse(words.actions.nothing ?? "");
    this.#turnTo("asking");
    if (this.#action === "retry") part(this, "go")?.focus();
  }

  /**
   * The answer, as long as it is still asked for.
   *
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T|null>}
   */
  async #waitFor(promise) {
    const turn = this.#turn;
    const timer = window.setTimeout(() => show(part(this, "slow"), turn === this.#turn), SLOW_MS);
    const answer = await promise;
    clearTimeout(timer);
    if (turn !== this.#turn) return null;
    show(part(this, "slow"), false);
    return answer;
  }

  // --- doing

  async #go() {
    if (this.#phase !== "asking") return;
    this.#complain("");
    this.#turnTo("sending");
    const expected = this.#counted?.count ?? 1;
    const answer = await this.#waitFor(this.#api.post(actions.order(this.#action, this.#target, { how: this.#how, expected })));
    if (!answer) return;
    if (answer.status === 200) return this.#done(answer.body);
    if (answer.status === 202) return this.#follow(answer.body);
    this.#refuse(actions.fault(answer, this.page.words));
    // What a person said yes to has become more: with the new number they are asked again.
    if (answer.body?.code === "more_than_expected") this.#count();
  }

  /** @param {{action: string, new_id: string|null}} done one task */
  #done({ action, new_id: id }) {
    const { words } = this.page;
    const text = words.actions[`${action}_done`] ?? "";
    setText(part(this, "outcome"), text);
    if (id) {
      const link = part(this, "new-link");
      setText(link, fill(words.actions.new_task, { id: format.id(id) }));
      setAttribute(link, "href", this.#urlOf(id));
      show(part(this, "new"), true);
    }
    this.#turnTo("over");
    this.page.announce(text);
  }

  /** @param {string} sentence */
  #refuse(sentence) {
    this.#complain(sentence);
    setText(part(this, "outcome"), "");
    this.#turnTo("over");
  }

  /** @param {string} sentence */
  #complain(sentence) {
    setText(part(this, "fault"), sentence);
    show(part(this, "fault"), sentence !== "");
    if (sentence && !this.#dialog.open && this.#phase !== "over") this.page.announce(sentence);
  }

  /** @param {string} id */
  #urlOf(id) {
    return (this.dataset.taskUrl ?? "").replace("ID_PLACEHOLDER", () => id.split("/").map(encodeURIComponent).join("/"));
  }

  // --- following an operation

  /** @param {Operation} operation */
  #follow(operation) {
    this.#operation = operation;
    this.#turnTo(actions.isOver(operation) ? "over" : "going");
    if (this.#phase === "going") this.#pollTimer = window.setTimeout(() => this.#poll(), POLL_MS);
    else this.#sayOver(operation);
  }

  async #poll() {
    const { id } = /** @type {Operation} */ (this.#operation);
    const answer = await this.#waitFor(this.#api.get(`operations/${id}`));
    if (!answer) return;
    if (answer.status === 200) {
      // What stops never runs again: this answer was on its way when it was asked to.
      const isLate = this.#operation?.state === "stopping" && answer.body.state === "running";
      return this.#follow(isLate ? { ...answer.body, state: "stopping" } : answer.body);
    }
    this.#complain(actions.fault(answer, this.page.words));
    if (answer.status === 401 || answer.status === 404) return this.#turnTo("over");
    this.#pollTimer = window.setTimeout(() => this.#poll(), 3 * POLL_MS);
  }

  async #stop() {
    if (!this.#operation || this.#phase !== "going") return;
    setAttribute(part(this, "stop"), "aria-disabled", "true");
    const answer = await this.#api.post({ path: `operations/${this.#operation.id}/stop`, body: {} });
    if (answer.status === 200) this.#operation = answer.body;
    else this.#complain(actions.fault(answer, this.page.words));
    this.#paint();
  }

  /** @param {Operation} operation */
  #sayOver(operation) {
    const { title, text } = actions.told(operation, this.page.words);
    this.page.announce(`${title}: ${text}`);
  }

  async #listOutcomes() {
    const list = part(this, "targets");
    const isOpen = part(this, "each")?.hasAttribute("open");
    if (!isOpen || !list || list.childElementCount || !this.#operation) return;
    const answer = await this.#waitFor(this.#api.get(`operations/${this.#operation.id}/outcomes?limit=${SHOWN_OUTCOMES}`));
    if (!answer) return;
    if (answer.status !== 200) return this.#complain(actions.fault(answer, this.page.words));
    const items = /** @type {any[]} */ (answer.body.items).filter(({ kind }) => kind === "task");
    list.replaceChildren(...items.map((item) => lines.outcome(item, this.page.words, (id) => this.#urlOf(id))));
    if (answer.body.after) list.append(make("li", { class: "hw-3" }, this.page.words.actions.more_outcomes ?? ""));
  }

  // --- painting

  /** @param {Phase} phase */
  #turnTo(phase) {
    this.#phase = phase;
    this.#paint();
  }

  #closed() {
    // Told late: it was opened again since.
    if (this.#dialog.open) return;
    if (this.#phase === "over") this.#operation = null;
    if (this.#phase === "counting" || this.#phase === "asking") {
      this.#turn += 1;
      this.#phase = "over";
    }
    this.#paintChip();
    this.#goBack();
  }

  /** The browser gives the focus back to the opener; which may have been written anew, or be gone, since. */
  #goBack() {
    if (this.#opener?.isConnected && this.#opener.getClientRects().length) return;
    const again = document.querySelector(`main [data-act="${this.#action}"]`) ?? document.querySelector("main");
    if (again instanceof HTMLElement) again.focus();
  }

  /** What goes on, or came to its end, while the dialog is closed. */
  #paintChip() {
    const operation = this.#dialog.open ? null : this.#operation;
    const chip = part(this, "chip");
    show(chip, operation !== null);
    if (!operation) return;
    const { title, percent, text } = actions.told(operation, this.page.words);
    show(chip?.querySelector("svg"), this.#phase === "going");
    setText(part(this, "chip-text"), `${title} · ${this.#phase === "going" ? `${percent}%` : text}`);
  }

  #paint() {
    const phase = this.#phase;
    const focused = document.activeElement;
    const isAsked = phase === "counting" || phase === "asking" || phase === "sending";
    show(part(this, "ask"), isAsked);
    show(part(this, "counting"), phase === "counting");
    show(part(this, "going"), phase === "going");
    show(part(this, "result"), phase === "over" && part(this, "fault")?.hidden !== false);
    this.#paintButtons();
    if (this.#operation) this.#paintOperation(this.#operation);
    else this.#paintQuestion();
    this.#paintChip();
    // What was pressed is gone: the keys must not go to the page below.
    if (this.#dialog.open && focused?.closest("dialog [hidden]")) part(this, "close")?.focus();
  }

  #paintButtons() {
    const phase = this.#phase;
    const { actions: words } = this.page.words;
    const go = part(this, "go");
    const isEnd = this.#action === "revoke" && this.#how.terminate && actions.isOne(this.#target);
    show(go, phase === "counting" || phase === "asking" || phase === "sending");
    setAttribute(go, "class", this.#action === "revoke" ? "hw-btn danger" : "hw-btn primary");
    setAttribute(go, "aria-disabled", phase === "asking" ? null : "true");
    setText(go, (phase === "sending" ? words.sending : words[isEnd ? "terminate" : this.#action]) ?? "");
    const stop = part(this, "stop");
    show(stop, phase === "going");
    setAttribute(stop, "aria-disabled", this.#operation?.state === "running" ? null : "true");
    const close = part(this, "close");
    setText(close, (phase === "going" || phase === "over" || phase === "sending" ? close?.dataset.done : close?.dataset.cancel) ?? "");
  }

  #paintQuestion() {
    const { words } = this.page;
    const target = this.#target;
    const isRevoke = this.#action === "revoke";
    const isOne = actions.isOne(target);
    const isEnd = isOne && isRunning(target.state);
    setText(part(this, "title"), actions.title(this.#action, target, this.#counted?.count ?? null, words));
    this.#paintWhat();
    const said = this.#counted ? actions.warnings(this.#action, this.#counted, this.#how, words) : [];
    part(this, "warnings")?.replaceChildren(...said.map(lines.warning));
    show(part(this, "warnings"), said.length > 0);
    const isCounting = this.#phase === "counting";
    show(part(this, "retry-note"), !isRevoke && !isCounting);
    show(part(this, "how"), isRevoke && !isCounting);
    show(part(this, "revoke-note"), !isEnd);
    show(part(this, "terminate-line"), !isEnd);
    show(part(this, "terminate-note"), this.#how.terminate);
    show(part(this, "signal-line"), this.#how.terminate);
  }

  /** What it will hit: the task, or how many of which kind. */
  #paintWhat() {
    const what = part(this, "what");
    const target = this.#target;
    if (!what || what.childElementCount) return;
    if (actions.isOne(target)) what.append(...lines.named(target, this.page.words));
    else if (this.#counted) what.append(...lines.numbered(actions.states(this.#counted, this.page.words), this.#counted.names));
    show(what, what.childElementCount > 0);
  }

  /** @param {Operation} operation */
  #paintOperation(operation) {
    const { title, percent, text, reasons } = actions.told(operation, this.page.words);
    setText(part(this, "title"), title);
    setAttribute(part(this, "progress"), "value", String(percent));
    setText(part(this, "far"), text);
    setText(part(this, "outcome"), text);
    part(this, "reasons")?.replaceChildren(...reasons.map((reason) => make("li", {}, reason)));
    show(part(this, "each"), actions.isOver(operation));
  }
}
