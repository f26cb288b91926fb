/**
 * `<headway-query>`: the query bar. Its form works without any script; with it, terms are
 * completed as they are typed, and a new query shows without a page load.
 *
 * The words of the language come from `#headway-query-words`; names, queues and workers that may
 * complete a value from the rows on the page at once, and from the server (`data-api`) as soon as it
 * answers. The server also says whether what is typed can be read, and where not.
 *
 * Attributes: `data-api`, `data-of` (whose language: of `tasks` or of `failures`).
 *
 * @typedef {import ("../terms.js").Word} Word
 * @typedef {import ("../terms.js").Suggestion} Suggestion
 * @typedef {import ("../types.js").TaskRow} TaskRow
 */

import { make, pageData, part, setAttribute, setText, show } from "../dom.js";
import { PageElement } from "../page.js";
import * as terms from "../terms.js";
import { visit } from "../visit.js";
import { fill } from "../words.js";

/**
 * The values that rows have shown since the page was loaded, for the keys that are best completed
 * by them.
 *
 * @type {Record<string, {field: "name"|"queue"|"worker", values: Set<string>}>}
 */
const SEEN = {
  "name:": { field: "name", values: new Set() },
  "queue:": { field: "queue", values: new Set() },
  "worker:": { field: "worker", values: new Set() },
};
const MAX_SEEN = 500;
/** Nobody types faster than this for long: one question for a burst of keys. */
const ASK_MS = 120;
/** Who pauses so long looks up, and may be told what is wrong. */
const CHECK_MS = 500;

/** @param {TaskRow[]} rows */
function remember(rows) {
  for (const { field, values } of Object.values(SEEN)) {
    for (const row of rows) {
      const value = row[field];
      if (value && values.size < MAX_SEEN) values.add(value);
    }
  }
}

/**
 * The words of the language, with values from what has been seen where they have none of their own.
 *
 * @param {Word[]} words
 * @returns {Word[]}
 */
function withSeen(words) {
  return words.map((word) => (word.values?.length ? word : { ...word, values: [...(SEEN[word.word]?.values ?? [])].sort() }));
}

export class QueryElement extends PageElement {
  /** @type {Word[]} */
  #words = [];
  /** @type {Suggestion[]} */
  #suggestions = [];
  /** The suggestion that Enter takes, -1 for none. */
  #active = -1;
  /** What the server told for the term that is being typed. @type {{typed: string, values: string[]}} */
  #told = { typed: "", values: [] };
  #askTimer = 0;
  #checkTimer = 0;

  connectedCallback() {
    const input = this.#input;
    const box = this.#box;
    if (!input || !box) return;
    remember(pageData("headway-rows")?.rows ?? []);
    this.#words = withSeen(pageData("headway-query-words") ?? []);
    box.id ||= "headway-suggest";
    setAttribute(box, "role", "listbox");
    setAttribute(box, "aria-label", input.getAttribute("aria-label"));
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", box.id], ["aria-expanded", "false"]]) {
      setAttribute(input, /** @type {string} */ (name), /** @type {string} */ (value));
    }
    input.addEventListener("input", () => this.#type());
    input.addEventListener("focus", () => { if (!input.hasAttribute("data-quiet")) this.#suggest(); });
    input.addEventListener("blur", () => this.#close());
    input.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("pointerdown", (event) => this.#press(event));
    this.querySelector("form")?.addEventListener("submit", (event) => this.#submit(event));
  }

  disconnectedCallback() {
    clearTimeout(this.#askTimer);
    clearTimeout(this.#checkTimer);
  }

  /** @returns {HTMLInputElement|null} */
  get #input() {
    return this.querySelector('input[name="query"]:not([type="hidden"])');
  }

  /** @returns {HTMLElement|null} */
  get #box() {
    return this.querySelector("[data-suggest]");
  }

  /** The query that the chips stand for. */
  get #kept() {
    const kept = this.querySelector("input[data-kept]");
    return kept instanceof HTMLInputElement ? kept.value : "";
  }

  // --- suggesting

  /** What is being typed: the last term, up to the end of the input. */
  get #typed() {
    return /(?:"(?:[^"\\]|\\.)*"?|[^\s"])*$/.exec(this.#input?.value ?? "")?.[0] ?? "";
  }

  #type() {
    this.#suggest();
    clearTimeout(this.#checkTimer);
    this.#checkTimer = window.setTimeout(() => {
      this.#announce();
      this.#check();
    }, CHECK_MS);
  }

  #askForValues() {
    const typed = this.#typed;
    const asked = terms.asking(typed);
    clearTimeout(this.#askTimer);
    if (!asked || typed === this.#told.typed) return;
    this.#askTimer = window.setTimeout(async () => {
      const answer = await this.#read(`values?${new URLSearchParams(asked)}`);
      if (!answer?.ok || typed !== this.#typed || document.activeElement !== this.#input) return;
      this.#told = { typed, values: answer.body.items };
      if (answer.body.items.length) this.#suggest();
    }, ASK_MS);
  }

  /**
   * @param {string} path below the API
   * @returns {Promise<{ok: boolean, body: any}|null>} null where no answer came
   */
  async #read(path) {
    if (!this.dataset.api) return null;
    try {
      const response = await fetch(this.dataset.api + path, { headers: { accept: "application/json" } });
      return { ok: response.ok, body: await response.json() };
    } catch {
      return null;
    }
  }

  #suggest() {
    const told = this.#told.typed === this.#typed ? this.#told.values : [];
    this.#suggestions = terms.suggest(this.#typed, this.#words, told);
    this.#askForValues();
    this.#active = -1;
    const box = this.#box;
    if (!box || !this.#suggestions.length) return this.#close();
    const length = this.#typed.length;
    box.replaceChildren(...this.#suggestions.map(({ text, description }, place) => {
      const code = make("code", {}, make("mark", {}, text.slice(0, length)), text.slice(length));
      return make("div", { role: "option", id: `${box.id}-${place}`, "aria-selected": "false", "data-place": String(place) }, code, make("span", { class: "hw-3" }, description));
    }));
    show(box, true);
    setAttribute(this.#input, "aria-expanded", "true");
    setAttribute(this.#input, "aria-activedescendant", null);
  }

  #close() {
    this.#suggestions = [];
    this.#active = -1;
    show(this.#box, false);
    setAttribute(this.#input, "aria-expanded", "false");
    setAttribute(this.#input, "aria-activedescendant", null);
  }

  /** @param {number} step */
  #choose(step) {
    const count = this.#suggestions.length;
    if (!count) return this.#suggest();
    this.#active = this.#active < 0 && step < 0 ? count - 1 : (this.#active + step + count) % count;
    for (const [place, option] of [...(this.#box?.children ?? [])].entries()) {
      setAttribute(option, "aria-selected", String(place === this.#active));
      if (place !== this.#active) continue;
      option.scrollIntoView({ block: "nearest" });
      setAttribute(this.#input, "aria-activedescendant", option.id);
    }
  }

  /** @param {number} place */
  #complete(place) {
    const input = this.#input;
    const suggestion = this.#suggestions[place];
    if (!input || !suggestion) return;
    input.value = input.value.slice(0, input.value.length - this.#typed.length) + suggestion.text;
    if (suggestion.text.endsWith(":")) this.#suggest();
    else this.#close();
  }

  // --- checking

  /** Has the server say whether the query as it stands can be read; a term may still be on its way. */
  async #check() {
    const typed = this.#typed;
    const query = this.#whole;
    if (terms.isUnfinished(typed) || (typed.includes(":") && this.#suggestions.length)) return;
    const answer = query ? await this.#read(`query?${new URLSearchParams({ query, of: this.dataset.of ?? "tasks" })}`) : { ok: true, body: {} };
    if (answer && query === this.#whole) this.#mark(query, answer.ok || typeof answer.body.at !== "number" ? null : answer.body);
  }

  /**
   * @param {string} query
   * @param {{at: number, until: number, detail: string}|null} fault
   */
  #mark(query, fault) {
    const box = this.querySelector("[data-fault]");
    if (!box) return;
    if (fault) {
      const { before, mark, after } = terms.marked(query, fault);
      part(box, "text")?.replaceChildren(before, make("mark", {}, mark), after);
      setText(part(box, "message"), fault.detail);
    }
    show(part(box, "rest"), false);
    // Over the list: what comes while somebody types moves no row.
    if (box.hasAttribute("hidden")) box.classList.add("float");
    show(box, fault !== null);
    this.querySelector(".box")?.classList.toggle("bad", fault !== null);
    setAttribute(this.#input, "aria-invalid", fault ? "true" : null);
    setAttribute(this.#input, "aria-describedby", fault ? box.id : null);
    if (fault) this.page.announce(fault.detail);
  }

  // --- asking

  /** What would be asked now: the chips and what is typed. */
  get #whole() {
    return terms.join([this.#kept, this.#input?.value ?? ""]);
  }

  /**
   * @param {string} query
   * @param {string} [draft]
   */
  #ask(query, draft = "") {
    const form = this.querySelector("form");
    const url = new URL(form?.action ?? location.href);
    // What else the address says, range and tab of the failures, goes with it.
    const parameters = [...this.querySelectorAll("input[data-with]")].map((input) => (input instanceof HTMLInputElement ? [input.name, input.value] : []));
    if (query) parameters.push(["query", query]);
    url.search = parameters.length ? `?${new URLSearchParams(parameters)}` : "";
    this.#close();
    visit(url.href, draft ? { draft } : {});
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    this.#ask(this.#whole);
  }

  /** Takes the last chip apart: its term is edited where terms are typed. */
  #editLast() {
    const last = terms.split(this.#kept).length - 1;
    if (last >= 0) this.#ask(terms.without(this.#kept, last), terms.split(this.#kept)[last]?.text);
  }

  /** @param {PointerEvent} event the input keeps the focus */
  #press(event) {
    event.preventDefault();
    const option = event.target instanceof Element ? event.target.closest("[data-place]") : null;
    if (option) this.#complete(Number(option.getAttribute("data-place")));
    this.#announce();
  }

  #announce() {
    if (this.#suggestions.length) this.page.announce(fill(this.page.words.page.suggestions, { count: this.#suggestions.length }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    const isOpen = this.#suggestions.length > 0;
    /** @type {Record<string, () => boolean>} whether the press was used up */
    const keys = {
      ArrowDown: () => { this.#choose(1); return true; },
      ArrowUp: () => { this.#choose(-1); return true; },
      Tab: () => this.#tab(event),
      Enter: () => { const took = this.#active >= 0; this.#complete(this.#active); return took; },
      Escape: () => { if (isOpen) this.#close(); else this.#input?.blur(); return true; },
      Backspace: () => { const isEmpty = this.#input?.value === ""; if (isEmpty) this.#editLast(); return isEmpty; },
    };
    if (keys[event.key]?.()) event.preventDefault();
  }

  /** @param {KeyboardEvent} event Tab completes; where there is nothing to complete it goes on */
  #tab(event) {
    if (event.shiftKey || !this.#suggestions.length || !this.#typed) return false;
    this.#complete(Math.max(0, this.#active));
    return true;
  }
}
