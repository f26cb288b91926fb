/**
 * `<headway-saved>`: the viewer's own queries. Opening one is a link; this keeps, renames and
 * deletes them, and takes a deletion back.
 *
 * Attributes: `data-api` (where they are kept), `data-query` (the query of the page).
 *
 * @typedef {{id: number, name: string, query: string}} Saved
 */

import { part, setAttribute, setText, show, stamp } from "../dom.js";
import { PageElement } from "../page.js";
import { fill } from "../words.js";

/** Longer nobody waits for a list of words. */
const PATIENCE_MS = 20_000;

export class SavedElement extends PageElement {
  /** The one that gets another name. @type {HTMLElement|null} */
  #renamed = null;
  /** The one that was deleted last. @type {Saved|null} */
  #gone = null;

  connectedCallback() {
    this.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    part(this, "list")?.addEventListener("click", (event) => this.#press(event));
    this.querySelector("[data-undo]")?.addEventListener("click", () => this.#undo());
    this.querySelector("details")?.addEventListener("toggle", () => this.#rename(null));
  }

  /** @returns {HTMLInputElement|null} */
  get #input() {
    return this.querySelector('input[name="name"]');
  }

  // --- asking

  /**
   * @param {string} method
   * @param {string} path below the list of them
   * @param {unknown} [body]
   * @returns {Promise<any>} the answer, null where there was none; a fault is shown
   */
  async #ask(method, path, body) {
    const token = document.querySelector('meta[name="headway-csrf"]')?.getAttribute("content") ?? "";
    const headers = { accept: "application/json", "content-type": "application/json", "x-csrftoken": token };
    const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE_MS) };
    this.#blame("");
    try {
      const response = await fetch(`${this.dataset.api}${path}`, init);
      const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
      if (response.ok) return answer;
      this.#blame(answer.detail || fill(this.page.words.actions.failed, { status: response.status }));
    } catch {
      this.#blame(this.page.words.actions.no_answer ?? "");
    }
    return null;
  }

  /** @param {string} fault */
  #blame(fault) {
    setText(part(this, "fault"), fault);
    show(part(this, "fault"), fault !== "");
  }

  async #submit() {
    const name = this.#input?.value.trim() ?? "";
    if (!name) return;
    const { page } = this.page.words;
    const line = this.#renamed;
    const found = line
      ? await this.#ask("PATCH", `/${line.dataset.id}`, { name })
      : await this.#ask("POST", "", { name, query: this.dataset.query ?? "" });
    if (!found) return;
    line?.remove();
    this.#add(found);
    this.#rename(null);
    this.#offerUndo(null);
    this.page.announce(fill(line ? page.renamed : page.kept, { name: found.name }));
  }

  /** @param {HTMLElement} line */
  async #delete(line) {
    const gone = { id: Number(line.dataset.id), name: part(line, "name")?.textContent ?? "", query: line.querySelector("a")?.title ?? "" };
    if (!(await this.#ask("DELETE", `/${gone.id}`))) return;
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    this.#count();
    this.#offerUndo(gone);
    (next?.querySelector("a") ?? this.#input)?.focus();
    this.page.announce(fill(this.page.words.page.deleted, { name: gone.name }));
  }

  async #undo() {
    const gone = this.#gone;
    if (!gone) return;
    const found = await this.#ask("POST", "", { name: gone.name, query: gone.query });
    if (!found) return;
    this.#offerUndo(null);
    this.#add(found)?.querySelector("a")?.focus();
    this.page.announce(fill(this.page.words.page.kept, { name: found.name }));
  }

  // --- showing

  /** @param {MouseEvent} event */
  #press(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const line = button?.closest("li");
    if (!button || !(line instanceof HTMLElement)) return;
    if (button.hasAttribute("data-delete")) this.#delete(line);
    else this.#rename(line);
  }

  /** @param {HTMLElement|null} line the form is about this one; for null about the page's query */
  #rename(line) {
    this.#renamed = line;
    const label = part(this, "label");
    setText(label, (line ? label?.dataset.other : label?.dataset.first) ?? "");
    const { page } = this.page.words;
    setText(part(this, "query"), (line ? line.querySelector("a")?.title : this.dataset.query) || (page.every ?? ""));
    const input = this.#input;
    if (!input) return;
    input.value = line ? (part(line, "name")?.textContent ?? "") : "";
    if (line) input.select();
  }

  /** @param {Saved|null} gone */
  #offerUndo(gone) {
    this.#gone = gone;
    setText(part(this, "gone"), gone ? fill(this.page.words.page.deleted, { name: gone.name }) : "");
    show(part(this, "undo"), gone !== null);
  }

  /** @param {Saved} saved */
  #add({ id, name, query }) {
    const list = part(this, "list");
    const template = this.querySelector("template[data-line]");
    if (!list || !(template instanceof HTMLTemplateElement)) return null;
    list.querySelector(`[data-id="${id}"]`)?.remove();
    const { page } = this.page.words;
    const line = stamp(template);
    line.dataset.id = String(id);
    const link = line.querySelector("a");
    setAttribute(link, "href", `${location.pathname}${query ? `?${new URLSearchParams({ query })}` : ""}`);
    setAttribute(link, "title", query);
    setText(part(line, "name"), name);
    setText(part(line, "text"), query || (page.every ?? ""));
    setAttribute(line.querySelector("[data-rename]"), "aria-label", fill(page.rename, { name }));
    setAttribute(line.querySelector("[data-delete]"), "aria-label", fill(page.forget, { name }));
    const next = [...list.children].find((other) => (part(other, "name")?.textContent ?? "") > name);
    list.insertBefore(line, next ?? null);
    this.#count();
    return line;
  }

  #count() {
    const number = part(this, "list")?.children.length ?? 0;
    show(part(this, "list"), number > 0);
    show(part(this, "none"), number === 0);
    setText(part(this, "count"), number ? String(number) : "");
  }
}
